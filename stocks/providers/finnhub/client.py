"""The calls themselves; the key is a header that the gateway sends with each."""

from __future__ import annotations

from datetime import date
from typing import Any

from stocks.providers.finnhub.parse.answers import answer
from stocks.providers.http import Gateway, Param


class Client:
    """One method a path of theirs; each raises as the gateway and ``answer`` do."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def quote(self, symbol: str) -> Any:
        return self._ask("/quote", symbol=symbol)

    def profile(self, symbol: str) -> Any:
        return self._ask("/stock/profile2", symbol=symbol)

    def search(self, text: str) -> Any:
        return self._ask("/search", q=text, exchange="US")

    def company_news(self, symbol: str, start: date, end: date) -> Any:
        return self._ask("/company-news", **{"symbol": symbol, "from": str(start), "to": str(end)})

    def general_news(self) -> Any:
        return self._ask("/news", category="general")

    def rates(self, base: str) -> Any:
        return self._ask("/forex/rates", base=base)

    def pairs(self, exchange: str) -> Any:
        return self._ask("/crypto/symbol", exchange=exchange)

    def _ask(self, path: str, **params: Param) -> Any:
        reply = self._gateway.get(path, params)
        return answer(reply.status, reply.body)
