"""Our codes and their symbols, which are alike for US stocks, and where each coin is traded."""

from __future__ import annotations

from stocks.providers import us

#: Where we ask for coins in a currency, in order. Binance trades against coins that follow the dollar (USDT),
#: which are no dollars: for those Coinbase is asked.
_COINBASE, _BINANCE = "coinbase", "binance"
EXCHANGES = {"USD": _COINBASE, "EUR": _COINBASE, "GBP": _COINBASE}


def code_of(symbol: str) -> str | None:
    """Our code of one of their symbols, None where it is not that of a US stock."""
    return symbol if us.is_code(symbol) else None


def exchange_for(currency: str) -> str:
    """The exchange whose pairs are asked for prices in ``currency``."""
    return EXCHANGES.get(currency, _BINANCE)


def pair_of(symbol: str, currency: str) -> str:
    """A coin and a currency as their lists of pairs show them: BTC/USDT."""
    return f"{symbol}/{currency}"
