"""Columns that several tables of the shop have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import Tier

#: What money can buy.
PAID_TIERS = [Tier.BASIC.value, Tier.PRO.value]


def money_field(**options: Any) -> models.DecimalField[Any, Any]:
    """An amount of money, NUMERIC(24,8)."""
    return models.DecimalField(max_digits=24, decimal_places=8, **options)


def positive(field: str, below: Decimal) -> Q:
    """``0 < field < below``; in PostgreSQL NaN sorts above every number, so the upper bound keeps it out."""
    return Q(**{f"{field}__gt": 0, f"{field}__lt": below})
