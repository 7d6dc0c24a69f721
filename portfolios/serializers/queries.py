"""What is asked of the figures of a portfolio."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.fields import TextField
from accounts.strict import StrictSerializer
from portfolios.serializers.bodies import METHODS
from stocks.selectors.listing import MAX_CODE
from stocks.serializers.fields import one_of
from stocks.serializers.history import SessionDateField
from stocks.types import Interval


class RangeQuery(StrictSerializer):
    """A range of days, both included; ``from`` and ``to`` are short for ``from_date`` and ``to_date``."""

    from_date = SessionDateField(required=False, help_text="First day; that of the first transaction.")
    to_date = SessionDateField(required=False, help_text="Last day; today by default, and at most.")

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
        first = attrs.setdefault("from_date", None)
        last = attrs.setdefault("to_date", None)
        if first is not None and last is not None and first > last:
            raise serializers.ValidationError({"from_date": ["is later than to_date"]})
        return attrs


class PerformanceQuery(RangeQuery):
    method = one_of(
        METHODS, required=False, help_text="How gains are told apart; the portfolio's own method."
    )
    benchmark = TextField(
        required=False, max_length=MAX_CODE, help_text="A stock or index to compare with, as ^GSPC."
    )


class HistoryQuery(RangeQuery):
    interval = one_of([*Interval], default=Interval.DAILY)
    format = one_of(["json", "csv"], default="json")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["interval"] = Interval(attrs["interval"])
        return super().validate(attrs)
