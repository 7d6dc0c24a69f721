"""The currencies that amounts may be in, by their ISO 4217 codes."""

from __future__ import annotations

from typing import Final

from accounts.currencies import CODES, is_currency

__all__ = ["CODES", "MAJOR", "is_currency"]

#: Those of our markets and the ones that are traded most: asked of providers all at once.
MAJOR: Final = (
    *("USD", "EUR", "JPY", "GBP", "CNY", "KRW", "INR", "CHF"),
    *("CAD", "AUD", "HKD", "SGD", "TWD", "SEK", "NZD"),
)
