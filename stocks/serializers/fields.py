"""Fields that several endpoints take or show."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from rest_framework import serializers

from stocks.selectors.listing import ALL_MARKETS, market_codes

MAX_SYMBOLS = 500


class MarketField(serializers.CharField):
    """The code of a market, in any letter case, or ALL.

    Where the context of the serializer names the ``markets`` that there are, no database is asked for them.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "A market such as KOSPI, or ALL.")
        super().__init__(max_length=16, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        market = super().to_internal_value(data).upper()
        if market == ALL_MARKETS:
            return market
        markets = self.context.get("markets") or market_codes()
        if market not in markets:
            raise serializers.ValidationError(f"must be one of: {', '.join([*markets, ALL_MARKETS])}")
        return market


class SymbolsField(serializers.CharField):
    """Symbols with commas between them; one given twice, in whatever letter case, counts once."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", f"Up to {MAX_SYMBOLS} symbols, e.g. AAPL,005930.")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]  # a text in, a list out
        text = super().to_internal_value(data)
        symbols = {symbol.upper(): symbol for part in reversed(text.split(",")) if (symbol := part.strip())}
        if not symbols:
            raise serializers.ValidationError("names no symbol")
        if len(symbols) > MAX_SYMBOLS:
            raise serializers.ValidationError(f"names {len(symbols)} symbols; the most is {MAX_SYMBOLS}")
        return list(reversed(symbols.values()))


class _Choice(serializers.ChoiceField):
    """A choice that is cheap to have among the fields of a serializer.

    Each serializer gets a copy of every field, and would work hundreds of choices out anew.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> _Choice:
        # What is bound to a serializer is set on the copy; all else is only read.
        return copy(self)


def one_of(choices: Iterable[str], **options: Any) -> serializers.ChoiceField:
    """A choice whose refusal names what is allowed."""
    values = list(choices)
    return _Choice(
        choices=values,
        error_messages={"invalid_choice": f"must be one of: {', '.join(values)}"},
        **options,
    )


def number(**options: Any) -> serializers.DecimalField:
    """A number of a reply, written from its Decimal."""
    return serializers.DecimalField(max_digits=None, decimal_places=None, **options)


def maybe(**options: Any) -> serializers.DecimalField:
    """A number of a reply, null where it is unknown."""
    return number(allow_null=True, **options)


class OneError(serializers.Serializer[Any]):
    """Why one of several symbols has no answer."""

    error = serializers.CharField(help_text="e.g. STOCK_NOT_FOUND")
    message = serializers.CharField()
