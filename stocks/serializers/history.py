"""The history of one stock."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework import serializers

from stocks.figures import plain
from stocks.models import Stock
from stocks.selectors.history import History
from stocks.serializers.days import RangeOfDays, SessionDateField, year_to_today
from stocks.serializers.fields import maybe, number, one_of
from stocks.types import Adjust, Interval, Intraday

COLUMNS = ("trade_date", "open", "high", "low", "close", "volume")


class HistoryQuery(RangeOfDays):
    """A range of days (``from`` and ``to`` are short for ``from_date`` and ``to_date``), and how to show it.

    The range ends today where nothing is said, and begins a year before its end; of bars of minutes it is at
    most 7 days long, and by default it is.
    """

    from_date = SessionDateField(
        required=False, help_text="First day; by default a year, or a week, up to the last."
    )
    to_date = SessionDateField(required=False, help_text="Last day; today by default.")
    interval = one_of([*Interval, *Intraday], default=Interval.DAILY)
    adjust = one_of(
        Adjust,
        default=Adjust.SPLIT,
        help_text="none: as loaded; split: earlier prices on today's share basis; total: dividends too.",
    )
    format = one_of(["json", "csv"], default="json")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        attrs["adjust"] = Adjust(attrs["adjust"])
        if attrs["interval"] in list(Intraday):
            attrs["interval"] = Intraday(attrs["interval"])
            if attrs["adjust"] is Adjust.TOTAL:
                raise serializers.ValidationError({"adjust": ["bars of minutes have none or split"]})
            # Which day today is depends on the market.
            return attrs
        year_to_today(attrs)
        attrs["interval"] = Interval(attrs["interval"])
        return attrs


class BarReply(serializers.Serializer[Any]):
    """One bar; open, high and low are null where nothing was traded, and the close is then the one before."""

    trade_date = serializers.DateField(help_text="The last session of the bar.")
    open = maybe()
    high = maybe()
    low = maybe()
    close = number()
    volume = serializers.IntegerField()


class HistoryReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    interval = one_of(Interval)
    adjust = one_of(Adjust)
    currency = serializers.CharField()
    source = serializers.CharField(allow_null=True, help_text="Where the bars come from.")  # type: ignore[assignment]  # DRF takes it off
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    prices = BarReply(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


def bars_reply(
    stock: Stock,
    query: Mapping[str, Any],
    *,
    sources: Iterable[str],
    prices: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """What stands around the bars of a stock, whatever their interval."""
    return {
        "stock_code": stock.code,
        "interval": query["interval"],
        "adjust": query["adjust"],
        "currency": stock.currency,
        "source": ",".join(sources) or None,
        "from_date": query["from_date"],
        "to_date": query["to_date"],
        "prices": prices,
        "warnings": warnings,
    }


def bars_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Bars as CSV with a header line; unknown is empty.

    Every cell is a time or a number in plain digits, so a spreadsheet has no formula to run.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def history_reply(stock: Stock, query: dict[str, Any], history: History) -> dict[str, Any]:
    prices = [
        {
            "trade_date": bar.date,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
        }
        for bar in history.bars
    ]
    return bars_reply(stock, query, sources=history.sources, prices=prices, warnings=history.warnings)


def history_csv(history: History) -> str:
    return bars_csv(
        COLUMNS,
        (
            (
                bar.date.isoformat(),
                *("" if one is None else plain(one) for one in (bar.open, bar.high, bar.low, bar.close)),
                bar.volume,
            )
            for bar in history.bars
        ),
    )
