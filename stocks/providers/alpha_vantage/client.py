"""The calls themselves: every one is a GET of ``/query``, answered with an object or refused.

Their interface knows the key only as a parameter, so it stands in the address of each call; the gateway
keeps addresses out of messages, and ``parse`` the key out of what they echo.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stocks.providers.alpha_vantage.parse.answers import answer
from stocks.providers.http import Gateway, Param

#: The most articles of one call.
NEWS_LIMIT = 200


class Client:
    """One method a function of theirs; each raises as the gateway and ``answer`` do."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._gateway = gateway
        self._key = key

    def global_quote(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("GLOBAL_QUOTE", symbol=symbol)

    def daily(self, symbol: str) -> Mapping[str, Any]:
        """The latest 100 sessions; more of them is a premium function."""
        return self._ask("TIME_SERIES_DAILY", symbol=symbol, outputsize="compact")

    def splits(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("SPLITS", symbol=symbol)

    def dividends(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("DIVIDENDS", symbol=symbol)

    def overview(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("OVERVIEW", symbol=symbol)

    def income_statement(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("INCOME_STATEMENT", symbol=symbol)

    def balance_sheet(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("BALANCE_SHEET", symbol=symbol)

    def cash_flow(self, symbol: str) -> Mapping[str, Any]:
        return self._ask("CASH_FLOW", symbol=symbol)

    def symbol_search(self, keywords: str) -> Mapping[str, Any]:
        return self._ask("SYMBOL_SEARCH", keywords=keywords)

    def news(self, symbol: str | None, since: datetime) -> Mapping[str, Any]:
        about = {} if symbol is None else {"tickers": symbol}
        return self._ask(
            "NEWS_SENTIMENT", **about, time_from=f"{since:%Y%m%dT%H%M}", sort="LATEST", limit=NEWS_LIMIT
        )

    def exchange_rate(self, base: str, quote: str) -> Mapping[str, Any]:
        """Of two currencies, or of a coin and a currency."""
        return self._ask("CURRENCY_EXCHANGE_RATE", from_currency=base, to_currency=quote)

    def fx_daily(self, base: str, quote: str) -> Mapping[str, Any]:
        """The latest 100 days."""
        return self._ask("FX_DAILY", from_symbol=base, to_symbol=quote, outputsize="compact")

    def _ask(self, function: str, **params: Param) -> Mapping[str, Any]:
        reply = self._gateway.get("/query", {"function": function, **params, "apikey": self._key})
        return answer(reply.status, reply.body, self._gateway.redact)
