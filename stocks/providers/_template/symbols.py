"""Our codes in the spelling of this service."""

from __future__ import annotations

import re

from stocks.types import StockKey

_MARKETS = ("NASDAQ", "NYSE", "")
_CODE = re.compile(r"[A-Z]{1,6}(\.[A-Z])?")


def symbol(key: StockKey) -> str | None:
    """The symbol of a stock, None where the service certainly has none."""
    if key.market not in _MARKETS or not _CODE.fullmatch(key.code):
        return None
    return key.code.replace(".", "/")
