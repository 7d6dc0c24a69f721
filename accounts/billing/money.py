"""Amounts that can be charged: whole numbers of the smallest unit of their currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from accounts.currencies import decimals_of

#: Of one price, and of an order.
MAX_PRICE: Final = Decimal(10) ** 9
MAX_TOTAL: Final = Decimal(10) ** 12


def is_chargeable(amount: Decimal, currency: str) -> bool:
    """Whether no part of the amount is smaller than the smallest unit of the currency."""
    return amount == round(amount, decimals_of(currency))


def shown(amount: Decimal, currency: str) -> Decimal:
    """The amount with as many decimals as its currency has; it must be chargeable."""
    return round(amount, decimals_of(currency))
