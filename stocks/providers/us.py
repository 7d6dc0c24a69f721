"""Stocks of the United States, for providers whose free keys cover these and no others."""

from __future__ import annotations

import re

from stocks.types import StockKey

#: Our markets there; the last is for a stock whose venue nobody states.
NASDAQ, NYSE, ELSEWHERE = "NASDAQ", "NYSE", "US"
MARKETS = frozenset({NASDAQ, NYSE, ELSEWHERE})
CURRENCY = "USD"
CALENDAR = "XNYS"
# Letters, with a class of share behind a point: AAPL, BRK.B. Elsewhere codes have digits or longer endings,
# but for F, L, T and V: Frankfurt, London, Tokyo and Toronto's second market.
_CODE = re.compile(r"[A-Z]{1,6}(\.[A-EG-KM-SUW-Z])?")


def is_code(code: str) -> bool:
    """Whether a code looks like those of US stocks."""
    return _CODE.fullmatch(code) is not None


def covers(key: StockKey) -> bool:
    """Whether a stock is one of the US, or may be one as far as anybody knows."""
    return key.market in MARKETS | {""} and key.currency in {"", CURRENCY} and is_code(key.code)
