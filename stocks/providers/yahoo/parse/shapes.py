"""Reading rows whose shape nobody promises: what is not as expected is None and costs no other row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stocks.providers import json

# A number of seconds beyond is one of milliseconds, or no time at all.
_YEAR_1900, _YEAR_2100 = -2_208_988_800, 4_102_444_800
_LARGEST = Decimal(10) ** 24


def result(reply: Any, name: str) -> Sequence[Any]:
    """The rows of a reply ``{name: {"result": […], "error": null}}``; no rows where they are null."""
    rows = json.mapping(json.mapping(reply, "the reply").get(name), name).get("result", False)
    return () if rows is None else json.sequence(rows, "result")


def number(value: Any) -> Decimal | None:
    """A finite number of a size that money has, bare or as ``{"raw": …}``; None for anything else."""
    if isinstance(value, dict):
        value = value.get("raw")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    found = Decimal(value)
    return found if found.is_finite() and abs(found) < _LARGEST else None


def whole(value: Any) -> int | None:
    """A number that is whole, not negative and small enough for a column, else None."""
    found = number(value)
    if found is None or not 0 <= found <= json.MAX_COUNT or found != found.to_integral_value():
        return None
    return int(found)


def money(value: Any) -> Decimal | None:
    """An amount of a company's books, else None."""
    found = number(value)
    return found if found is not None and abs(found) < json.MAX_MONEY else None


def positive(value: Any) -> Decimal | None:
    """A number above 0, else None: Yahoo writes 0 where it has no price."""
    found = number(value)
    return found if found is not None and found > 0 else None


def text(value: Any, longest: int = 10_000) -> str:
    """A text without blanks around it and without what no database takes; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "ignore").decode().replace("\x00", "").strip()[:longest]


def moment(value: Any) -> datetime | None:
    """A time from seconds since 1970; None for anything else, 0 and milliseconds included."""
    found = number(value)
    if not found or not _YEAR_1900 < found < _YEAR_2100:
        return None
    return datetime.fromtimestamp(int(found), UTC)
