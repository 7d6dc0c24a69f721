"""Columns and bounds of the ledger and of what is folded from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from stocks.models.fields import MAX_PRICE

# In PostgreSQL NaN sorts above every number: each check has an upper bound too.
MAX_QUANTITY = Decimal(10) ** 15
MAX_AMOUNT = Decimal(10) ** 15
MAX_SUM = Decimal(10) ** 28
MAX_RATIO = Decimal(10) ** 6
MAX_RATE = Decimal(10) ** 10


def quantity_field(**options: Any) -> models.DecimalField[Any, Any]:
    """A number of shares, NUMERIC(28,10)."""
    return models.DecimalField(max_digits=28, decimal_places=10, **options)


def amount_field(**options: Any) -> models.DecimalField[Any, Any]:
    """A sum of money that somebody wrote down, NUMERIC(24,8)."""
    return models.DecimalField(max_digits=24, decimal_places=8, **options)


def sum_field(**options: Any) -> models.DecimalField[Any, Any]:
    """Money that was worked out, to the last digit of it, NUMERIC(48,20)."""
    return models.DecimalField(max_digits=48, decimal_places=20, **options)


def within(field: str, low: Decimal | int, high: Decimal, *, above: bool = False) -> Q:
    """``low <= field < high``, or ``low < field < high``; of a null it says null, which a check lets pass."""
    return Q(**{f"{field}__{'gt' if above else 'gte'}": low, f"{field}__lt": high})


def price_within(field: str) -> Q:
    return within(field, 0, MAX_PRICE)
