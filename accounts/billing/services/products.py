"""What is sold, as a catalogue elsewhere says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.billing.models import Product

_FIELDS = ("name", "description", "kind", "tier", "period_days", "price", "currency", "active")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is no product: where it stands, from 1, and why."""

    row: int
    reason: str


@dataclass(slots=True)
class Synced:
    """What became of the rows of a catalogue."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)


@transaction.atomic
def products_sync(*, rows: Sequence[dict[str, Any] | Refusal]) -> Synced:
    """Store the products of a catalogue by their code; those that it does not name stay as they are.

    A row that cannot be sold is refused, and the others are stored. Orders keep what they were told.
    """
    done = Synced()
    known = {one.code: one for one in Product.objects.select_for_update().order_by("code")}
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Refusal):
            done.refused.append(row)
            continue
        code = row["code"]
        if code in seen:
            done.refused.append(Refusal(number, "its code stands in the catalogue twice"))
            continue
        seen.add(code)
        product = known.get(code) or Product(code=code, source=Product.Source.CATALOGUE)
        before = None if product._state.adding else [getattr(product, name) for name in _FIELDS]
        for name in _FIELDS:
            setattr(product, name, row[name])
        try:
            product.full_clean(validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            done.refused.append(Refusal(number, _reason(error)))
            continue
        if before == [getattr(product, name) for name in _FIELDS]:
            done.unchanged += 1
            continue
        product.source = Product.Source.CATALOGUE
        product.save()
        if before is None:
            done.created += 1
        else:
            done.updated += 1
    return done


def _reason(error: ValidationError) -> str:
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in sorted(error.message_dict.items()))
