"""Columns and bounds that several tables share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

# PostgreSQL sorts NaN above every number, so a bound from below alone would let it in.
MAX_PRICE = Decimal(10) ** 12
MAX_MONEY = Decimal(10) ** 16


def price_field(**options: Any) -> models.DecimalField[Any, Any]:
    """A price per share, NUMERIC(20,8)."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


def money_field(**options: Any) -> models.DecimalField[Any, Any]:
    """An amount of a company's books, NUMERIC(24,8)."""
    return models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True, **options)


def bounded(field: str, low: Decimal | int, high: Decimal, name: str) -> models.CheckConstraint:
    """A check that ``low <= field < high`` (null passes), which also keeps NaN out."""
    condition = models.Q(**{f"{field}__gte": low, f"{field}__lt": high})
    return models.CheckConstraint(condition=condition, name=name)
