"""Ranges of days as clients give them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers

from accounts.strict import StrictSerializer

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
YEAR: Final = timedelta(days=365)


class SessionDateField(serializers.DateField):
    """A date that bars can have, as YYYY-MM-DD."""

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise serializers.ValidationError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
        return day


class RangeOfDays(StrictSerializer):
    """Takes ``from`` and ``to`` as short for ``from_date`` and ``to_date``, which its heirs have."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is no attribute name in Python.
        short = {
            "from": SessionDateField(required=False, help_text="The same as from_date."),
            "to": SessionDateField(required=False, help_text="The same as to_date."),
        }
        return {**super().get_fields(), **short}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for short in ("from", "to"):
            given = attrs.pop(short, None)
            if given is not None and attrs.setdefault(f"{short}_date", given) != given:
                raise serializers.ValidationError({short: [f"contradicts {short}_date"]})
        return attrs


def year_to_today(attrs: dict[str, Any]) -> None:
    """End the range today where nothing is said, and begin it a year before its end."""
    attrs.setdefault("to_date", timezone.now().date())
    attrs.setdefault("from_date", max(FIRST_DAY, attrs["to_date"] - YEAR))
    refuse_backwards(attrs)


def refuse_backwards(attrs: dict[str, Any]) -> None:
    """A range that ends before it begins is a mistake; an open one is none."""
    first, last = attrs.get("from_date"), attrs.get("to_date")
    if first is not None and last is not None and first > last:
        raise serializers.ValidationError({"from_date": ["is later than to_date"]})


class DaysQuery(RangeOfDays):
    """A range of days; ``from`` and ``to`` are short for ``from_date`` and ``to_date``."""

    from_date = SessionDateField(required=False, help_text="First day.")
    to_date = SessionDateField(required=False, help_text="Last day.")

    def fill(self, days: dict[str, Any]) -> None:
        """Set ``from_date`` and ``to_date`` where they are not given."""
        days.setdefault("from_date", FIRST_DAY)
        days.setdefault("to_date", LAST_DAY)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        self.fill(attrs)
        refuse_backwards(attrs)
        return attrs
