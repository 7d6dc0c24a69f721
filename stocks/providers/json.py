"""What a provider sends, decoded strictly: exact numbers, and nothing that JSON does not allow.

The pickers below take one value out of it, or raise Malformed with its name. They know no provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from stocks.providers.errors import Malformed

MAX_DEPTH = 64
MAX_DIGITS = 400
# What our columns hold: more is an error of theirs.
MIN_PRICE, MAX_PRICE = Decimal("0.00000001"), Decimal(10) ** 12
MAX_MONEY = Decimal(10) ** 16
MAX_COUNT = 2**63 - 1
MAX_EXPONENT = 24
YEARS = range(1900, 2200)
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})", re.ASCII)
# A text that does not end runs to the end of the answer, so that no place is looked at twice.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
#: Texts by which providers say that a value is unknown.
ABSENT = frozenset({"", "None", "none", "null", "-", "N/A"})


def loads(body: bytes | str) -> Any:
    """Decode a provider's JSON; raises Malformed.

    Numbers with a fraction or an exponent become Decimal, whole ones int. Refused: what is not UTF-8 or not
    JSON, more than 64 levels, NaN and infinities, numbers beyond a double's range, and an object that names a
    key twice.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise Malformed("the answer is not UTF-8") from None
    _check_depth(text)
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except (json.JSONDecodeError, RecursionError):
        raise Malformed("the answer is not JSON") from None


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """``value`` where it is an object."""
    if not isinstance(value, dict):
        raise Malformed(f"{name} is not an object")
    return value


def sequence(value: Any, name: str) -> list[Any]:
    """``value`` where it is a list."""
    if not isinstance(value, list):
        raise Malformed(f"{name} is not a list")
    return value


def text(value: Any, name: str) -> str:
    """A text without the spaces around it; empty where it is absent.

    NUL characters and halves of surrogate pairs, which no database takes, are left out.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a text")
    clean = value.encode("utf-8", "ignore").decode().replace("\x00", "").strip()
    return "" if clean in ABSENT else clean


def required(value: Any, name: str) -> str:
    """A text that has to be there."""
    if not (found := text(value, name)):
        raise Malformed(f"{name} is missing")
    return found


def decimal(value: Any, name: str) -> Decimal | None:
    """A number, or a text that spells one in plain digits; None where it is absent."""
    if value is None or (isinstance(value, str) and value.strip() in ABSENT):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = Decimal(value.strip())
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    else:
        raise Malformed(f"{name} is not a number")
    if number and (not number.is_finite() or number.adjusted() > MAX_EXPONENT):
        raise Malformed(f"{name} is out of range")
    return number


def price(value: Any, name: str) -> Decimal:
    """A price that has to be there: a number above 0 that a column can hold."""
    number = decimal(value, name)
    if number is None or not MIN_PRICE <= number < MAX_PRICE:
        raise Malformed(f"{name} is no price")
    return number


def price_or_none(value: Any, name: str) -> Decimal | None:
    """A price; None where it is absent or 0, by which providers mean the same."""
    return price(number, name) if (number := decimal(value, name)) else None


def money(value: Any, name: str) -> Decimal | None:
    """An amount of a company's books, which may be negative; None where it is absent."""
    number = decimal(value, name)
    if number is not None and abs(number) >= MAX_MONEY:
        raise Malformed(f"{name} is out of range")
    return number


def whole(value: Any, name: str) -> int | None:
    """A whole number, also one that is written with a fraction of zeros; None where it is absent."""
    number = decimal(value, name)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise Malformed(f"{name} is not a whole number")
    return int(number)


def count(value: Any, name: str) -> int | None:
    """A whole number that is not negative; None where it is absent."""
    number = whole(value, name)
    if number is not None and not 0 <= number <= MAX_COUNT:
        raise Malformed(f"{name} is no count")
    return number


def day(value: Any, name: str) -> date:
    """A date written as YYYY-MM-DD, of these centuries."""
    written = required(value, name)
    try:
        found = datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 (a date has no zone)
    except ValueError:
        found = date.min
    if found.year not in YEARS:
        raise Malformed(f"{name} is no date")
    return found


def _check_depth(document: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(document):
        if (bracket := token.group())[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"the answer is deeper than {MAX_DEPTH} levels")
        elif bracket in "]}":
            depth -= 1


def _decimal(written: str) -> Decimal:
    try:
        number = Decimal(written)
    except InvalidOperation:  # an exponent of twenty digits
        raise Malformed("a number is out of range") from None
    if len(written) > MAX_DIGITS or (number and not -308 <= number.adjusted() <= 308):
        raise Malformed("a number is out of range")
    return number


def _integer(written: str) -> int:
    if len(written) > MAX_DIGITS:
        raise Malformed("a number is out of range")
    return int(written)


def _refuse_constant(written: str) -> Any:
    raise Malformed(f"{written} is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise Malformed("an object names the same key twice")
    return result
