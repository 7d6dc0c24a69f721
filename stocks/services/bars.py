"""Daily bars of providers on their way into the table: checked, compared with what is stored, written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

import polars as pl
from django.db import connection

from stocks.loading.bar_rules import COLUMNS, PRICES, check_bars
from stocks.loading.table import LINE
from stocks.partitions import ensure_years
from stocks.types import Bar

#: Closes of two sources that differ by more than this on most common days are on different share bases.
BASIS_TOLERANCE = Decimal("0.01")

# What is stored and differs is only changed by its own source, or by order. The first and the last day stand
# in the statement so that the planner leaves out the partitions of other years.
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(
        %(date)s::date[], %(open)s::numeric[], %(high)s::numeric[], %(low)s::numeric[], %(close)s::numeric[],
        %(volume)s::bigint[]
    ) AS bar (date, open, high, low, close, volume)
), stored AS MATERIALIZED (
    SELECT old.source = %(source)s OR %(replace)s AS may_change,
           (old.open, old.high, old.low, old.close, old.volume)
             IS NOT DISTINCT FROM (given.open, given.high, given.low, given.close, given.volume) AS same
      FROM given JOIN stocks_dailybar AS old ON old.stock_id = %(stock)s AND old.date = given.date
     WHERE old.date BETWEEN %(first)s AND %(last)s
), written AS (
    INSERT INTO stocks_dailybar AS bar (stock_id, date, open, high, low, close, volume, source)
    SELECT %(stock)s, date, open, high, low, close, volume, %(source)s FROM given ORDER BY date
    ON CONFLICT (stock_id, date) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, source = excluded.source
      WHERE (bar.source = excluded.source OR %(replace)s)
        AND (bar.open, bar.high, bar.low, bar.close, bar.volume)
            IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
)
SELECT count(*), count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same AND may_change) FROM stored
"""
_CLOSES = """
SELECT date, close FROM stocks_dailybar WHERE stock_id = %s AND date BETWEEN %s AND %s
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """Bars that may be stored, oldest first, and why each of the others may not."""

    bars: list[Bar]
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the bars of a stock.

    ``differing`` contradict a stored bar of another source, which stays. ``other_basis`` says that none was
    stored, because most common days differ: one of the two is adjusted for a split and the other is not.
    """

    inserted: int = 0
    corrected: int = 0
    unchanged: int = 0
    differing: int = 0
    other_basis: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.corrected)


def check_fetched(
    code: str, bars: Iterable[Bar], *, start: date, end: date, sessions: Sequence[date], today: date
) -> Checked:
    """Hold what a provider gave to the rules of loaded files, and to the days that were asked for.

    Args:
        code: the stock.
        bars: as they came.
        start, end: what was asked, inclusive.
        sessions: those of the stock's market in that time; a bar of another day has a wrong date.
        today: nothing is later than the day after.
    """
    refused: list[str] = []
    by_day: dict[date, Bar] = {}
    trading_days = frozenset(sessions)
    for bar in bars:
        if not start <= bar.date <= end:
            refused.append(f"{code} {bar.date}: not a day that was asked for")
        elif bar.date not in trading_days:
            refused.append(f"{code} {bar.date}: no session of its market")
        elif by_day.setdefault(bar.date, bar) is not bar:
            refused.append(f"{code} {bar.date}: twice in one answer")
    ordered = [by_day[day] for day in sorted(by_day)]
    if not ordered:
        return Checked([], refused)
    found = check_bars(_as_text(code, ordered), today)
    refused += [f"{code} {ordered[refusal.line].date}: {refusal.reason}" for refusal in found.refused]
    return Checked([_from_text(row) for row in found.frame.iter_rows(named=True)], refused)


def same_basis(stored: Mapping[date, Decimal], bars: Iterable[Bar]) -> bool:
    """Whether bars fit to stored closes: true where they have no day in common."""
    ratios = [stored[bar.date] / bar.close for bar in bars if bar.date in stored]
    return not ratios or abs(median(ratios) - 1) <= BASIS_TOLERANCE


def store_bars(stock_id: int, bars: Sequence[Bar], *, source: str, replace: bool = False) -> Stored:
    """Write checked bars of one stock within the caller's transaction, which also raises the version.

    A stored bar is changed by a correction of its own source. One of another source, such as a file, stays,
    and so does everything where the two are on different share bases; ``replace`` overrules both.
    """
    if not bars:
        return Stored()
    first, last = bars[0].date, bars[-1].date
    if not replace and not same_basis(_closes(stock_id, first, last), bars):
        return Stored(differing=len(bars), other_basis=True)
    ensure_years(range(first.year, last.year + 1))
    values: dict[str, Any] = {
        name: [getattr(bar, name) for bar in bars] for name in ("date", *PRICES, "volume")
    }
    values |= {"stock": stock_id, "source": source, "replace": replace, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        known, same, corrected = cursor.fetchone()
    return Stored(len(bars) - known, corrected, same, known - same - corrected)


def _closes(stock_id: int, first: date, last: date) -> dict[date, Decimal]:
    with connection.cursor() as cursor:
        cursor.execute(_CLOSES, [stock_id, first, last])
        return dict(cursor.fetchall())


def _as_text(code: str, bars: Sequence[Bar]) -> pl.DataFrame:
    """Bars as the rules of files read them, numbered from 0."""
    rows = [
        (
            *(number, code, bar.date.isoformat()),
            *("" if price is None else f"{price:f}" for price in (bar.open, bar.high, bar.low, bar.close)),
            str(bar.volume),
        )
        for number, bar in enumerate(bars)
    ]
    schema = {LINE: pl.UInt32, **dict.fromkeys(COLUMNS, pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _from_text(row: Mapping[str, object]) -> Bar:
    prices = {name: row[name] for name in PRICES}
    read = {name: None if text is None else Decimal(str(text)) for name, text in prices.items()}
    close, volume, day = read.pop("close"), row["volume"], row["date"]
    assert close is not None and isinstance(volume, int) and isinstance(day, date)
    return Bar(date=day, close=close, volume=volume, **read)
