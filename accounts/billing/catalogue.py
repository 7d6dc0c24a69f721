"""A catalogue of products at an address: a JSON list, or an object with one as ``products``.

Each row has the fields of ``GET /v1/products``, and may have ``active``.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from accounts.billing.errors import CatalogueNotRead
from accounts.billing.models.products import CODE, MAX_PERIOD_DAYS
from accounts.billing.money import MAX_PRICE
from accounts.billing.services.products import Refusal
from accounts.outbound.guard import AddressRefused, AddressUnknown
from accounts.outbound.sending import NoAnswer, send

SECONDS: Final = 10.0
MAX_BYTES: Final = 1024 * 1024
MAX_ROWS: Final = 1_000
_CODE = re.compile(CODE)
_TEXTS: Final = {"name": 150, "description": 1000, "kind": 16, "tier": 8, "currency": 3}
_FIELDS: Final = {*_TEXTS, "code", "period_days", "price", "active"}


def fetch(url: str) -> list[dict[str, Any] | Refusal]:
    """The rows at an address, which may be any public one; raises CatalogueNotRead."""
    try:
        answer = send(
            "GET", url, seconds=SECONDS, max_bytes=MAX_BYTES, headers={"Accept": "application/json"}
        )
    except AddressRefused as error:
        raise CatalogueNotRead(f"The address of the catalogue {error}.") from error
    except (AddressUnknown, NoAnswer) as error:
        raise CatalogueNotRead(f"The catalogue could not be read: {error}.") from error
    if answer.status != 200:
        raise CatalogueNotRead(f"The catalogue could not be read: HTTP {answer.status}.")
    return read(answer.body)


def read(body: bytes) -> list[dict[str, Any] | Refusal]:
    """The rows of a catalogue, each a product or the reason why not; raises CatalogueNotRead."""
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise CatalogueNotRead("The catalogue is no JSON.") from None
    rows = value.get("products") if isinstance(value, dict) else value
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        raise CatalogueNotRead(f"The catalogue is no list of at most {MAX_ROWS} products.")
    return [_row(number, row) for number, row in enumerate(rows, start=1)]


def _row(number: int, row: Any) -> dict[str, Any] | Refusal:
    if not isinstance(row, dict):
        return Refusal(number, "is no object")
    if unknown := sorted(set(row) - _FIELDS):
        return Refusal(number, f"has unknown fields: {', '.join(unknown)}"[:200])
    code, days, active = row.get("code"), row.get("period_days"), row.get("active", True)
    price: Any = row.get("price")
    texts = {name: row.get(name) or "" for name in _TEXTS}
    wrong = next((name for name, text in texts.items() if not _is_text(text, _TEXTS[name])), None)
    if not (isinstance(code, str) and _CODE.fullmatch(code)):
        reason = "code: must be lower-case letters, digits and hyphens"
    elif wrong is not None:
        reason = f"{wrong}: must be a text of at most {_TEXTS[wrong]} characters"
    elif not (type(price) in (int, Decimal) and 0 < price < MAX_PRICE):
        reason = f"price: must be a number greater than 0 and less than {MAX_PRICE:f}"
    elif days is not None and not (type(days) is int and 0 < days <= MAX_PERIOD_DAYS):
        reason = f"period_days: must be a whole number from 1 to {MAX_PERIOD_DAYS}"
    elif not isinstance(active, bool):
        reason = "active: must be true or false"
    else:
        return {**texts, "code": code, "price": Decimal(price), "period_days": days, "active": active}
    return Refusal(number, reason)


def _is_text(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value) <= length and value.isprintable()


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
