"""The bars of one stock within days, folded from the stored minutes when they are read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stocks.adjust import adjustment_factors
from stocks.intraday import StoredMinute, fold_minutes, rebased
from stocks.models import CorporateAction, MinuteBar, Stock
from stocks.selectors.prices import SANDBOX
from stocks.sessions import schedule
from stocks.types import Action, ActionKind, Adjust, IntradayBar

_COLUMNS = ("start", "open", "high", "low", "close", "first_volume", "last_volume", "source")


@dataclass(frozen=True, slots=True)
class IntradayHistory:
    """Bars, oldest first, and the sources they came from."""

    bars: list[IntradayBar]
    sources: list[str]


def intraday_history(
    stock: Stock, *, start: date, end: date, minutes: int, adjust: Adjust, now: datetime
) -> IntradayHistory:
    """The bars of ``stock`` (with its market) of the days ``start`` … ``end``, both included, in its zone.

    Splits count from midnight of their ex-date on, in the market's own time zone; ``adjust`` is not TOTAL.
    """
    zone = ZoneInfo(stock.market.timezone)
    rows = _rows(stock, _midnight(start, zone), _midnight(end + timedelta(days=1), zone))
    bars = fold_minutes(rows, _openings(stock, rows), minutes=minutes)
    if bars and adjust is not Adjust.NONE:
        bars = _split_adjusted(stock, bars, zone, today=now.astimezone(zone).date())
    return IntradayHistory(bars=bars, sources=sorted({row.source for row in rows}))


def minute_bars(stock: Stock, start: datetime, end: datetime, minutes: int = 1) -> list[IntradayBar]:
    """The bars of 1, 5, 15 or 60 minutes that begin from ``start`` on and before ``end``, as traded.

    They are counted from the opening of the session, in the invented market from midnight at the exchange.
    A tick that came late is in them like any other: nothing but single minutes is stored.
    """
    zone = ZoneInfo(stock.market.timezone)
    # The volume of a bar needs the one before it in its session, which never began on an earlier day.
    rows = _rows(stock, _midnight(start.astimezone(zone).date(), zone), end)
    bars = fold_minutes(rows, _openings(stock, rows), minutes=minutes)
    return [bar for bar in bars if start <= bar.start < end]


def _rows(stock: Stock, start: datetime, end: datetime) -> list[StoredMinute]:
    rows = MinuteBar.objects.filter(stock_id=stock.id, start__gte=start, start__lt=end).order_by("start")
    return [StoredMinute(*values) for values in rows.values_list(*_COLUMNS)]


def _openings(stock: Stock, rows: Sequence[StoredMinute]) -> list[datetime]:
    """When the sessions of the rows began, oldest first; the invented market begins a new one each day."""
    if not rows:
        return []
    zone = ZoneInfo(stock.market.timezone)
    days = sorted({row.start.astimezone(zone).date() for row in rows})
    midnights = [_midnight(day, zone) for day in days]
    if any(row.source == SANDBOX for row in rows):
        return midnights
    opens = schedule(stock.market.calendar).opens
    first = bisect_left(opens, midnights[0].timestamp())
    last = bisect_right(opens, rows[-1].start.timestamp())
    # What lies before the first opening of a day belongs to no session that the calendar knows.
    return sorted({*midnights, *(datetime.fromtimestamp(second, UTC) for second in opens[first:last])})


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _split_adjusted(
    stock: Stock, bars: Sequence[IntradayBar], zone: ZoneInfo, *, today: date
) -> list[IntradayBar]:
    splits = CorporateAction.objects.filter(
        stock_id=stock.id, ratio__isnull=False, ex_date__gt=bars[0].start.astimezone(zone).date()
    ).order_by()
    actions = [
        Action(ActionKind(kind), ex_date, ratio=ratio)
        for kind, ex_date, ratio in splits.values_list("kind", "ex_date", "ratio")
    ]
    if not actions:
        return list(bars)
    days = [bar.start.astimezone(zone).date() for bar in bars]
    return list(rebased(bars, adjustment_factors(days, actions, through=max(today, days[-1]))))
