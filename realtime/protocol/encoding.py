"""Exact JSON out: Decimals as the numbers they are, times in UTC with milliseconds and ``Z``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson


def dumps(value: Any) -> bytes:
    """``value`` as JSON bytes; NaN and infinities become null. Raises TypeError on a type without a form."""
    return orjson.dumps(value, default=_encode, option=orjson.OPT_PASSTHROUGH_DATETIME)


def splice(encoded: bytes) -> orjson.Fragment:
    """JSON bytes to stand inside a larger value unparsed."""
    return orjson.Fragment(encoded)


def timestamp(moment: datetime) -> str:
    """``2026-03-02T09:00:00.123Z``; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no place on the time line")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(_number(value))
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _number(number: Decimal) -> str:
    if not number.is_finite():
        return "null"
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
