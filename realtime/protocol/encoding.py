"""Exact JSON out: Decimals as the numbers they are, times in UTC with milliseconds and ``Z``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """``value`` as JSON bytes; NaN and infinities become null. Raises TypeError on a type without a form."""
    return orjson.dumps(value, default=json_form, option=orjson.OPT_PASSTHROUGH_DATETIME)


def splice(encoded: bytes) -> orjson.Fragment:
    """JSON bytes to stand inside a larger value unparsed."""
    return orjson.Fragment(encoded)


def timestamp(moment: datetime) -> str:
    """``2026-03-02T09:00:00.123Z``; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no place on the time line")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # Every frame has one, and this is a quarter of what isoformat takes.
    written = orjson.dumps(moment, option=orjson.OPT_UTC_Z).decode()
    return f"{written[1:24]}Z" if moment.microsecond else f"{written[1:20]}.000Z"


def json_form(value: Any) -> Any:
    """What orjson writes for a value that it does not know itself: the hook ``default`` of its ``dumps``.

    Raises TypeError on a type without a form, ValueError for a naive time.
    """
    if isinstance(value, Decimal):
        return orjson.Fragment(_number(value))
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _number(number: Decimal) -> str:
    # In plain digits without trailing zeros: 71000, 150.25.
    if not number.is_finite():
        return "null"
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
