"""The bars of one stock within days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from realtime.protocol.encoding import timestamp
from stocks.figures import plain
from stocks.models import Stock
from stocks.selectors.intraday import IntradayHistory
from stocks.serializers.fields import number, one_of
from stocks.serializers.history import bars_csv, bars_reply
from stocks.types import Adjust, Intraday

COLUMNS = ("start", "open", "high", "low", "close", "volume")
MAX_DAYS = 7


def days(query: Mapping[str, Any], *, today: date) -> dict[str, date]:
    """The first and the last day of a query: by default a week up to today. Raises ValidationError."""
    last = query.get("to_date", today)
    first = query.get("from_date", last - timedelta(days=MAX_DAYS - 1))
    if first > last:
        raise serializers.ValidationError({"from_date": ["is later than to_date"]})
    if (asked := (last - first).days + 1) > MAX_DAYS:
        raise serializers.ValidationError({"from_date": [f"asks for {asked} days; the most is {MAX_DAYS}"]})
    return {"from_date": first, "to_date": last}


class IntradayBarReply(serializers.Serializer[Any]):
    """One bar; the volume is null where nobody knows it."""

    start = serializers.DateTimeField(help_text="When the bar begins.")
    open = number()
    high = number()
    low = number()
    close = number()
    volume = serializers.IntegerField(allow_null=True)


class IntradayReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    interval = one_of(Intraday)
    adjust = one_of([Adjust.NONE, Adjust.SPLIT])
    currency = serializers.CharField()
    source = serializers.CharField(allow_null=True, help_text="Where the bars come from.")  # type: ignore[assignment]  # DRF takes it off
    from_date = serializers.DateField(help_text="The first day, in the time zone of the market.")
    to_date = serializers.DateField()
    prices = IntradayBarReply(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


def intraday_reply(stock: Stock, query: Mapping[str, Any], history: IntradayHistory) -> dict[str, Any]:
    prices = [
        {
            "start": bar.start,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
        }
        for bar in history.bars
    ]
    return bars_reply(stock, query, sources=history.sources, prices=prices, warnings=[])


def intraday_csv(history: IntradayHistory) -> str:
    return bars_csv(
        COLUMNS,
        (
            (
                timestamp(bar.start),
                *map(plain, (bar.open, bar.high, bar.low, bar.close)),
                "" if bar.volume is None else bar.volume,
            )
            for bar in history.bars
        ),
    )
