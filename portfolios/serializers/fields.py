"""Fields of what is asked of a ledger."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portfolios.models.ledger import EARLIEST
from stocks.currencies import is_currency

_RATIO = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,10})?):([0-9]{1,6}(?:\.[0-9]{1,10})?)", re.ASCII)


class NumberField(serializers.Field[Decimal, Any, Any, Any]):
    """A number of a JSON body, exactly, below ``below``: a text or a truth value is none."""

    def __init__(self, *, places: int, below: Decimal, zero: bool = False, **options: Any) -> None:
        self._places, self._below, self._zero = places, below, zero
        super().__init__(**options)
        least = "minimum" if zero else "exclusiveMinimum"
        set_override(self, "field", {"type": "number", least: 0, "exclusiveMaximum": int(below)})

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            raise serializers.ValidationError("must be a number")
        value = Decimal(data)
        if value < 0 or (not value and not self._zero):
            raise serializers.ValidationError(f"must be {'at least' if self._zero else 'greater than'} 0")
        if value >= self._below:
            raise serializers.ValidationError(f"must be less than {self._below:f}")
        if value != round(value, self._places):
            raise serializers.ValidationError(f"must have at most {self._places} decimals")
        return value


@extend_schema_field({"type": "string", "pattern": f"^{_RATIO.pattern}$", "examples": ["2:1"]})
class RatioField(serializers.Field[tuple[Decimal, Decimal], Any, Any, Any]):
    """Shares after and before, as ``2:1``."""

    def to_internal_value(self, data: Any) -> tuple[Decimal, Decimal]:
        match = _RATIO.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            raise serializers.ValidationError('must be a text such as "2:1": shares after, shares before')
        to, per = Decimal(match[1]), Decimal(match[2])
        if not to or not per or to == per:
            raise serializers.ValidationError("must change the number of shares, and leave some")
        return to, per


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z]{3}$", "examples": ["USD"]})
class CurrencyField(serializers.CharField):
    """An ISO 4217 code in any letter case."""

    def to_internal_value(self, data: Any) -> str:
        code = data.upper() if isinstance(data, str) else ""
        if not is_currency(code):
            raise serializers.ValidationError("must be an ISO 4217 currency code")
        return code


class PastTimeField(serializers.DateTimeField):
    """A moment that has come; without a zone it is UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if moment < EARLIEST:
            raise serializers.ValidationError(f"must not be before {EARLIEST.year}")
        if moment > timezone.now():
            raise serializers.ValidationError("must not be in the future")
        return moment


class PastDateField(serializers.DateField):
    """A day from 1900 on; whether it has come, the stock's exchange says."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if day < EARLIEST.date():
            raise serializers.ValidationError(f"must not be before {EARLIEST.year}")
        return day
