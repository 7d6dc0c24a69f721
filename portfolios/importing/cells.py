"""Single cells as values: exact numbers, moments and ratios, in the ways in which files write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_RATIO = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,10})?):([0-9]{1,6}(?:\.[0-9]{1,10})?)", re.ASCII)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
#: The parts of a date format: their patterns, and their places in a moment.
_PARTS: Final = {
    "YYYY": (r"(?P<year>\d{4})", "year"),
    "MMM": (r"(?P<name>[A-Za-z]{3})", "month"),
    "MM": (r"(?P<month>\d{1,2})", "month"),
    "DD": (r"(?P<day>\d{1,2})", "day"),
    "HH": (r"(?P<hour>\d{1,2})", "hour"),
    "mm": (r"(?P<minute>\d{2})", "minute"),
    "ss": (r"(?P<second>\d{2})", "second"),
}
_PART = re.compile("|".join(_PARTS))
_SEPARATORS = re.compile(r"[-/., :T]*")
ISO: Final = "ISO"

Moment = datetime | date


class BadCell(ValueError):
    """The cell cannot be taken; the message says why, as the end of a sentence about it."""


def number_reader(decimal: str, thousands: str) -> Callable[[str], Decimal]:
    """Reads a number with these signs; raises BadCell for any other text, exponents among them."""
    point = re.escape(decimal)
    whole = r"\d{1,30}"
    if thousands:
        whole = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|{whole})"
    pattern = re.compile(rf"[+-]?(?:{whole}(?:{point}\d{{0,30}})?|{point}\d{{1,30}})", re.ASCII)

    def read(text: str) -> Decimal:
        if pattern.fullmatch(text) is None:
            raise BadCell("is not a number")
        if thousands:
            text = text.replace(thousands, "")
        return Decimal(text if decimal == "." else text.replace(decimal, "."))

    return read


def bounded(value: Decimal, *, places: int, below: Decimal) -> Decimal:
    """``value``, which is not negative, where a column of so many decimals holds it."""
    if value >= below:
        raise BadCell(f"must be less than {below:f}")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places and value != round(value, places):
        raise BadCell(f"must have at most {places} decimals")
    return value


def ratio(text: str) -> tuple[Decimal, Decimal]:
    """Shares after and before, as ``2:1``."""
    match = _RATIO.fullmatch(text)
    if match is None:
        raise BadCell('must be written as "2:1": shares after, shares before')
    to, per = Decimal(match[1]), Decimal(match[2])
    if not to or not per or to == per:
        raise BadCell("must change the number of shares, and leave some")
    return to, per


def is_date_format(text: str) -> bool:
    """Whether a text is ``ISO``, or a format with a year, a month and a day, each once."""
    if text == ISO:
        return True
    parts = _PART.findall(text)
    names = [_PARTS[part][1] for part in parts]
    return (
        len(names) == len(set(names))
        and {"year", "month", "day"} <= set(names)
        and ("minute" in names) == ("hour" in names)
        and ("second" not in names or "minute" in names)
        and _SEPARATORS.fullmatch(_PART.sub("", text)) is not None
    )


def moment_reader(form: str, zone: ZoneInfo) -> Callable[[str], Moment]:
    """Reads a moment of ``form``, in ``zone`` where it names none; a day without a time stays a day."""
    if form == ISO:
        return lambda text: _iso(text, zone)
    pattern = re.compile(
        "".join(
            _PARTS[part][0] if part in _PARTS else re.escape(part)
            for part in re.split(f"({_PART.pattern})", form)
        ),
        re.ASCII,
    )

    def read(text: str) -> Moment:
        match = pattern.fullmatch(text)
        if match is None:
            raise BadCell(f"is not written as {form}")
        parts = match.groupdict()
        if name := parts.pop("name", None):
            if name.upper() not in _MONTHS:
                raise BadCell(f"has no month {name}")
            parts["month"] = str(_MONTHS.index(name.upper()) + 1)
        numbers = {name: int(text) for name, text in parts.items()}
        try:
            if "hour" in numbers:
                return datetime(**numbers, tzinfo=zone).astimezone(UTC)
            return date(**numbers)
        except (ValueError, OverflowError):
            raise BadCell("is no day or time of the calendar") from None

    return read


def _iso(text: str, zone: ZoneInfo) -> Moment:
    if _ISO.fullmatch(text) is None:
        raise BadCell("is no date such as 2024-01-31 or 2024-01-31T15:00:00Z")
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("is no day or time of the calendar") from None
