"""What is asked of the figures of a portfolio."""

from __future__ import annotations

from typing import Any

from accounts.fields import TextField
from portfolios.serializers.bodies import METHODS
from stocks.selectors.listing import MAX_CODE
from stocks.serializers.days import RangeOfDays, SessionDateField, refuse_backwards
from stocks.serializers.fields import one_of
from stocks.types import Interval


class RangeQuery(RangeOfDays):
    """A range of days, both included; ``from`` and ``to`` are short for ``from_date`` and ``to_date``."""

    from_date = SessionDateField(required=False, help_text="First day; that of the first transaction.")
    to_date = SessionDateField(required=False, help_text="Last day; today by default, and at most.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        refuse_backwards(attrs)
        return {"from_date": None, "to_date": None, **attrs}


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
