"""Values as KIS writes them, over HTTP and over its WebSocket alike."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from stocks.providers import json
from stocks.providers.errors import Malformed
from stocks.providers.kis.parse.answers import NAME
from stocks.types import Level

LEVELS = 10
_RISES, _UNCHANGED, _FALLS = frozenset("12"), "3", frozenset("45")


def previous_close(price: Decimal, sign: Any, change: Any) -> Decimal | None:
    """The price less its change, of which only the code tells the sign; None where the two disagree."""
    size = json.decimal(change, "the change")
    direction = json.text(sign, "the sign of the change")
    if size is None:
        return None
    if direction in _RISES:
        before = price - abs(size)
    elif direction in _FALLS:
        before = price + abs(size)
    elif direction == _UNCHANGED and not size:
        before = price
    else:
        return None
    return before if json.MIN_PRICE <= before < json.MAX_PRICE else None


def levels(pairs: list[tuple[Any, Any]]) -> tuple[Level, ...]:
    """Prices and shares, the best first, without those whose price is 0."""
    found = []
    for price, volume in pairs:
        if at := json.price_or_none(price, "a price"):
            shares = json.count(volume, "the shares of a level")
            if shares is None:
                raise Malformed(f"{NAME}: a level without its shares")
            found.append(Level(at, shares))
    return tuple(found)


def day(value: Any) -> date:
    """A day written as YYYYMMDD."""
    written = _digits(value, 8, "the day")
    try:
        return date(int(written[:4]), int(written[4:6]), int(written[6:]))
    except ValueError:
        raise Malformed(f"{NAME}: the day is none") from None


def hour(value: Any) -> time:
    """An hour written as HHMMSS."""
    written = _digits(value, 6, "the hour")
    try:
        return time(int(written[:2]), int(written[2:4]), int(written[4:]))
    except ValueError:
        raise Malformed(f"{NAME}: the hour is none") from None


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1_000_000)


def _digits(value: Any, length: int, name: str) -> str:
    written = json.required(value, name)
    if len(written) != length or not (written.isascii() and written.isdigit()):
        raise Malformed(f"{NAME}: {name} is not {length} digits")
    return written
