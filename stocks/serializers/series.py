"""Indicators of one stock: the latest of all, or series on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.fields import empty

from stocks.figures import from_float
from stocks.indicators.on_demand import DEFINITIONS, MAX_SERIES, MAX_TEXT, Asked, SeriesError, parse
from stocks.models import Stock
from stocks.selectors.series import Latest, Series
from stocks.serializers.days import RangeOfDays, SessionDateField, year_to_today
from stocks.serializers.fields import maybe

#: Values of one reply at most: ten years of twenty series and more.
MAX_VALUES: Final = 60_000
#: Decimals of a value: prices of fractions of a cent keep some digits.
PLACES: Final = 8


class SeriesField(serializers.CharField):
    """Calls such as rsi(7),sma(50),bbands(20,2).upper; an error says at which character it stands."""

    def __init__(self, **options: Any) -> None:
        usage = ", ".join(definition.usage for definition in DEFINITIONS.values())
        options.setdefault("help_text", f"Up to {MAX_SERIES} of: {usage}.")
        super().__init__(max_length=MAX_TEXT, **options)

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        """An empty text is one that asks for nothing, not the same as none."""
        return dictionary.get(self.field_name, empty)

    def to_internal_value(self, data: Any) -> tuple[Asked, ...]:  # type: ignore[override]  # a text in, calls out
        try:
            return parse(super().to_internal_value(data))
        except SeriesError as error:
            raise serializers.ValidationError(f"column {error.column}: {error.message}") from error


class IndicatorsQuery(RangeOfDays):
    """Without ``series`` the latest of all indicators; with it a range of days as for prices."""

    series = SeriesField(required=False)
    from_date = SessionDateField(required=False, help_text="First day; by default a year up to the last.")
    to_date = SessionDateField(required=False, help_text="Last day; today by default.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "series" not in attrs:
            if attrs:
                raise serializers.ValidationError({"series": ["is needed for a range of days"]})
            return attrs
        year_to_today(attrs)
        return attrs


class LatestReply(serializers.Serializer[Any]):
    """Every indicator of the catalogue, null where it is unknown."""

    code = serializers.CharField()
    currency = serializers.CharField()
    trade_date = serializers.DateField(
        allow_null=True, help_text="The session whose close the values follow; null where none is computed."
    )
    computed_at = serializers.DateTimeField(allow_null=True)
    indicators = serializers.DictField(child=maybe())


class SeriesReply(serializers.Serializer[Any]):
    """``series`` holds a list as long as ``dates`` for each label, null where it is unknown."""

    code = serializers.CharField()
    currency = serializers.CharField()
    dates = serializers.ListField(child=serializers.DateField())
    series = serializers.DictField(child=serializers.ListField(child=maybe()))


def latest_reply(stock: Stock, latest: Latest | None) -> dict[str, Any]:
    values = {} if latest is None else latest.values
    return {
        "code": stock.code,
        "currency": stock.currency,
        "trade_date": None if latest is None else latest.day,
        "computed_at": None if latest is None else latest.computed_at,
        "indicators": {name: from_float(value, PLACES) for name, value in values.items()},
    }


def series_reply(stock: Stock, series: Series) -> dict[str, Any]:
    """Raises ValidationError where there would be more than MAX_VALUES."""
    if len(series.days) * len(series.values) > MAX_VALUES:
        raise serializers.ValidationError(
            {"from_date": [f"makes {len(series.days) * len(series.values)} values; the most is {MAX_VALUES}"]}
        )
    return {
        "code": stock.code,
        "currency": stock.currency,
        "dates": series.days.astype(object).tolist(),
        "series": {
            label: [from_float(value, PLACES) for value in values.tolist()]
            for label, values in series.values.items()
        },
    }
