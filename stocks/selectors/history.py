"""The bars of one stock over a range of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from stocks.history import Close, roll_up, split_adjusted, total_adjusted
from stocks.models import CorporateAction, DailyBar, Stock
from stocks.types import Action, ActionKind, Adjust, Bar, Interval

_CLOSES_BEFORE = """
SELECT wanted.day, bar.date, bar.close
FROM unnest(%s::date[]) AS wanted(day)
CROSS JOIN LATERAL (
    SELECT date, close FROM stocks_dailybar
    WHERE stock_id = %s AND date < wanted.day ORDER BY date DESC LIMIT 1
) AS bar
"""


@dataclass(frozen=True, slots=True)
class History:
    """Bars, oldest first; the sources they came from; a sentence for whatever could not be adjusted."""

    bars: list[Bar]
    sources: list[str]
    warnings: list[str]


def stock_history(
    stock: Stock,
    *,
    start: date,
    end: date,
    interval: Interval,
    adjust: Adjust,
    now: datetime,
) -> History:
    """The bars of ``stock`` (with its market) whose sessions lie within ``start`` … ``end``, both included.

    Corporate actions count from their ex-date on, in the market's own time zone; announced ones change
    nothing. A week or month at either end covers only the sessions within the range.
    """
    rows = DailyBar.objects.filter(stock_id=stock.id, date__range=(start, end)).order_by("date")
    bars: list[Bar] = []
    sources: set[str] = set()
    for *values, source in rows.values_list("date", "open", "high", "low", "close", "volume", "source"):
        bars.append(Bar(*values))
        sources.add(source)
    warnings: list[str] = []
    if bars and adjust is not Adjust.NONE:
        actions = _actions_since(stock, bars[0].date)
        today = max(now.astimezone(ZoneInfo(stock.market.timezone)).date(), bars[-1].date)
        if adjust is Adjust.SPLIT:
            bars = split_adjusted(bars, actions, through=today)
        else:
            bars, warnings = total_adjusted(
                bars, actions, _closes_before(stock, actions), currency=stock.currency, through=today
            )
    return History(bars=roll_up(bars, interval), sources=sorted(sources), warnings=warnings)


def _actions_since(stock: Stock, day: date) -> list[Action]:
    rows = CorporateAction.objects.filter(stock_id=stock.id, ex_date__gt=day).order_by()
    return [
        Action(ActionKind(kind), *values)
        for kind, *values in rows.values_list("kind", "ex_date", "ratio", "amount", "currency")
    ]


def _closes_before(stock: Stock, actions: list[Action]) -> dict[date, Close]:
    days = [action.ex_date for action in actions if action.amount is not None]
    if not days:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_CLOSES_BEFORE, [days, stock.id])
        return {ex_date: Close(day, close) for ex_date, day, close in cursor.fetchall()}
