"""Single cells of text as values; a blank cell is None."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

PLACES = 8
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2})", re.ASCII)
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]", re.ASCII)
_CODE = re.compile(r"[0-9A-Za-z^][0-9A-Za-z.^=\-_&]{0,31}", re.ASCII)


class BadCell(Exception):
    """The cell cannot be taken; the message says why, ``kind`` is the same without the row's own values."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind or reason


def decimal(text: str, name: str, *, limit: Decimal, places: int = PLACES) -> Decimal | None:
    """A finite number strictly between ``-limit`` and ``limit``, half to even at ``places`` decimals."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadCell(f"the {name} is not a number")
    value = _EXACT.create_decimal(text)
    if abs(value) >= limit:
        raise BadCell(f"the {name} is too large")
    return rounded(value, places)


def rounded(value: Decimal, places: int = PLACES) -> Decimal:
    """The finite value with at most ``places`` decimals, half to even."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return value if exponent >= -places else value.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def whole(text: str, name: str) -> int | None:
    """A whole number that a bigint holds; ``12.0`` is one."""
    value = decimal(text, name, limit=Decimal(10) ** 18)
    if value is None:
        return None
    if value != int(value):
        raise BadCell(f"the {name} is not a whole number")
    return int(value)


def day(text: str, name: str, *, earliest: date, latest: date) -> date | None:
    """A date written YYYY-MM-DD or YYYYMMDD."""
    if not text:
        return None
    match = _DATE.fullmatch(text)
    try:
        value = date(*(int(part) for part in match.groups() if part)) if match else None
    except ValueError:
        value = None
    if value is None:
        raise BadCell(f"the {name} is not a date")
    if value < earliest:
        raise BadCell(f"the {name} is before {earliest.year}")
    if value > latest:
        raise BadCell(f"the {name} lies in the future")
    return value


def words(text: str, name: str, *, longest: int) -> str:
    """Text for people, in Unicode form NFC, without control characters."""
    value = unicodedata.normalize("NFC", text)
    if len(value) > longest:
        raise BadCell(f"the {name} is longer than {longest} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise BadCell(f"the {name} holds a control character")
    return value


def code(text: str) -> str:
    """A stock's code: 1 to 32 letters, digits and ``. - ^ = _ &`` of ASCII."""
    if not text:
        raise BadCell("the code is blank")
    if not is_code(text):
        raise BadCell("the code has a character or length that no code has")
    return text


def is_code(text: str) -> bool:
    return bool(_CODE.fullmatch(text))


def is_isin(text: str) -> bool:
    """Whether it has the form of ISO 6166; the check digit is not verified."""
    return bool(_ISIN.fullmatch(text))
