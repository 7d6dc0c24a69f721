"""The chart of a symbol: its days, splits and dividends, brought back to what was traded and paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stocks.providers import json
from stocks.providers.errors import Malformed
from stocks.providers.yahoo.parse import shapes
from stocks.providers.yahoo.prices import ONE, Unit, places, price, shares, tidy, unit
from stocks.types import Action, ActionKind, Bar, FxRate

#: Closing time of the week in New York, at the latest: when a day of the currency market has ended.
_FX_CLOSE = time(22, 0)
#: What a column of rates holds.
RATE_PLACES, MOST_RATE = 10, Decimal(10) ** 10
_RATIO_PLACES, _MOST_RATIO = Decimal(1).scaleb(-10), 1_000_000
# How long a split may take to reach the prices, and the least ratio that no day of trading looks like.
_SETTLING = timedelta(days=7)
_PLAIN_RATIO = Fraction(3, 2)
_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Day:
    """One row as it was sent; what is null or not above 0 is None."""

    date: date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it was sent: adjusted for the ``splits`` until it was asked for.

    ``places`` are the decimals to look for first, ``traded`` says whether volumes mean anything.
    """

    symbol: str
    unit: Unit
    places: int
    traded: bool
    days: tuple[Day, ...]
    splits: tuple[tuple[date, Fraction], ...]
    dividends: tuple[tuple[date, Decimal], ...]

    def factor(self, day: date) -> Fraction:
        """How many of today's shares one share of ``day`` has become."""
        found = ONE
        for ex_date, ratio in self.splits:
            if ex_date > day:
                found *= ratio
        return found

    def amount(self, sent: Decimal, day: date) -> Decimal:
        """A price or dividend of ``day`` as it was then, in whole units of the currency."""
        return price(sent, self.places, self.factor(day)).scaleb(self.unit.shift)


def chart(reply: Any, symbols: Sequence[str], currency: str) -> Chart:
    """The chart in a reply; Malformed where it is of another symbol or, where that is known, currency."""
    (row, *_) = shapes.result(reply, "chart") or (None,)
    row = json.mapping(row, "result")
    meta = json.mapping(row.get("meta"), "meta")
    if (symbol := shapes.text(meta.get("symbol"))) not in symbols:
        raise Malformed("yahoo: a chart of another symbol")
    named = unit(shapes.text(meta.get("currency")))
    if len(named.currency) != 3 or currency not in ("", named.currency):
        raise Malformed("yahoo: a chart in another currency")
    zone = _zone(meta)
    events = json.mapping(row.get("events") or {}, "events")
    return Chart(
        symbol=symbol,
        unit=named,
        places=places(shapes.whole(meta.get("priceHint")), named.currency),
        traded=meta.get("instrumentType") not in ("INDEX", "CURRENCY"),
        days=tuple(_days(row, zone)),
        splits=tuple(_splits(events, zone)),
        dividends=tuple(_dividends(events, zone)),
    )


def refuse_unsettled(chart: Chart, today: date) -> None:
    """Raise Malformed where a split of the last days is told but not yet in the prices before it.

    Yahoo may take a while for it; to undo what was not done would make every earlier price wrong. The prices
    on both sides say which: what is nearer to the ratio than to 1 has not been adjusted. Splits that are
    small, or older, are believed.
    """
    for ex_date, ratio in chart.splits:
        if today - ex_date > _SETTLING or max(ratio, 1 / ratio) < _PLAIN_RATIO:
            continue
        before = [day.close for day in chart.days if day.date < ex_date and day.close]
        after = [first for day in chart.days if day.date >= ex_date and (first := day.open or day.close)]
        if not before or not after:
            continue
        step = Fraction(before[-1]) / Fraction(after[0])
        if (step if ratio > 1 else 1 / step) ** 2 > max(ratio, 1 / ratio):
            raise Malformed("yahoo: a split that is not yet in the prices")


def bars(chart: Chart, start: date, end: date) -> list[Bar]:
    """The days of a chart from ``start`` to ``end`` as traded; those that are not whole are left out.

    A day without trades keeps its close alone. Left out is a day without a close, a share's without a volume,
    and one whose high or low does not bound its open and close.
    """
    days = (day for day in chart.days if start <= day.date <= end)
    return [bar for day in days if (bar := _bar(chart, day)) is not None]


def actions(chart: Chart, start: date, end: date) -> list[Action]:
    """Splits and dividends with an ex-date from ``start`` to ``end``, oldest first."""
    found = [
        Action(ActionKind.SPLIT, day, ratio=_ratio(ratio))
        for day, ratio in chart.splits
        if start <= day <= end
    ]
    found += [
        Action(ActionKind.DIVIDEND, day, amount=chart.amount(sent, day), currency=chart.unit.currency)
        for day, sent in chart.dividends
        if start <= day <= end and _is_price(chart.amount(sent, day))
    ]
    return sorted(found, key=lambda action: (action.ex_date, action.kind))


def rates(chart: Chart, base: str, start: date, end: date, received_at: datetime) -> list[FxRate]:
    """The closes of a currency's chart; each is as of the end of its day, today's as of now."""
    return [
        FxRate(
            base=base,
            quote=chart.unit.currency,
            rate=rate,
            as_of=min(datetime.combine(day.date, _FX_CLOSE, UTC), received_at),
            received_at=received_at,
            source="yahoo",
        )
        for day in chart.days
        if start <= day.date <= end and (rate := _rate(chart, day)) is not None
    ]


def _rate(chart: Chart, day: Day) -> Decimal | None:
    rate = None if day.close is None else price(day.close, chart.places, most=RATE_PLACES)
    return rate if rate is not None and 0 < rate < MOST_RATE else None


def _bar(chart: Chart, day: Day) -> Bar | None:
    if day.close is None or (day.volume is None and chart.traded):
        return None
    close = chart.amount(day.close, day.date)
    volume = shares(day.volume or Decimal(0), chart.factor(day.date))
    if not _is_price(close) or volume > json.MAX_COUNT:
        return None
    sent = (day.open, day.high, day.low)
    flat = set(sent) == {day.close}
    if sent == (None, None, None) or (chart.traded and not day.volume and flat):
        return Bar(day.date, None, None, None, close, volume)
    if day.open is None or day.high is None or day.low is None:
        return None
    opened, high, low = (chart.amount(one, day.date) for one in (day.open, day.high, day.low))
    if not json.MIN_PRICE <= low <= min(opened, close) <= max(opened, close) <= high < json.MAX_PRICE:
        return None
    return Bar(day.date, opened, high, low, close, volume)


def _is_price(amount: Decimal) -> bool:
    return json.MIN_PRICE <= amount < json.MAX_PRICE


def _days(row: Any, zone: ZoneInfo) -> list[Day]:
    """The rows of a chart, each date once: of two the later, which is the session that still goes on."""
    stamps = json.sequence(row.get("timestamp") or [], "timestamp")
    quotes = json.sequence(json.mapping(row.get("indicators"), "indicators").get("quote"), "quote")
    columns = json.mapping(quotes[0], "quote") if quotes else {}
    values = [json.sequence(columns.get(name) or [], name) for name in _COLUMNS]
    if any(len(column) not in (0, len(stamps)) for column in values):
        raise Malformed("yahoo: columns of a chart that differ in length")
    found: dict[date, Day] = {}
    for stamp, opened, high, low, close, volume in zip_longest(stamps, *values):
        day = _date(stamp, zone)
        count = shapes.number(volume)
        found[day] = Day(
            date=day,
            open=shapes.positive(opened),
            high=shapes.positive(high),
            low=shapes.positive(low),
            close=shapes.positive(close),
            volume=count if count is not None and count >= 0 else None,
        )
    return [found[day] for day in sorted(found)]


def _splits(events: Any, zone: ZoneInfo) -> list[tuple[date, Fraction]]:
    found: dict[date, Fraction] = {}
    for event in json.mapping(events.get("splits") or {}, "splits").values():
        event = json.mapping(event, "event")
        new, old = shapes.positive(event.get("numerator")), shapes.positive(event.get("denominator"))
        if new is None or old is None or not 1 / _MOST_RATIO < new / old < _MOST_RATIO:
            # Without it every earlier price would be wrong by an unknown factor.
            raise Malformed("yahoo: a split without a ratio")
        found[_date(event.get("date"), zone)] = Fraction(new) / Fraction(old)
    return sorted((day, ratio) for day, ratio in found.items() if ratio != 1)


def _dividends(events: Any, zone: ZoneInfo) -> list[tuple[date, Decimal]]:
    found: dict[date, Decimal] = {}
    for event in json.mapping(events.get("dividends") or {}, "dividends").values():
        event = json.mapping(event, "event")
        if amount := shapes.positive(event.get("amount")):
            day = _date(event.get("date"), zone)
            found[day] = found.get(day, Decimal(0)) + amount
    return sorted(found.items())


def _ratio(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / Decimal(ratio.denominator)
    return tidy(exact.quantize(_RATIO_PLACES))


def _zone(meta: Any) -> ZoneInfo:
    try:
        return ZoneInfo(shapes.text(meta.get("exchangeTimezoneName")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed("yahoo: a chart without its time zone") from None


def _date(stamp: Any, zone: ZoneInfo) -> date:
    """The session's date where the exchange is."""
    when = shapes.moment(stamp)
    if when is None:
        raise Malformed("yahoo: a day without a date")
    return when.astimezone(zone).date()
