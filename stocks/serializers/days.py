"""Ranges of days as clients give them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.serializers.history import FIRST_DAY, LAST_DAY, SessionDateField


class DaysQuery(StrictSerializer):
    """A range of days; ``from`` and ``to`` are short for ``from_date`` and ``to_date``."""

    from_date = SessionDateField(required=False, help_text="First day.")
    to_date = SessionDateField(required=False, help_text="Last day.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is no attribute name in Python.
        short = {
            "from": SessionDateField(required=False, help_text="The same as from_date."),
            "to": SessionDateField(required=False, help_text="The same as to_date."),
        }
        return {**super().get_fields(), **short}

    def fill(self, days: dict[str, Any]) -> None:
        """Set ``from_date`` and ``to_date`` where they are not given."""
        days.setdefault("from_date", FIRST_DAY)
        days.setdefault("to_date", LAST_DAY)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for short in ("from", "to"):
            given = attrs.pop(short, None)
            if given is not None and attrs.setdefault(f"{short}_date", given) != given:
                raise serializers.ValidationError({short: [f"contradicts {short}_date"]})
        self.fill(attrs)
        if attrs["from_date"] > attrs["to_date"]:
            raise serializers.ValidationError({"from_date": ["is later than to_date"]})
        return attrs
