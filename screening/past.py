"""Screens of a day in the past, over the figures as they were known at its end, computed on demand."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from screening.criteria import Screen
from screening.errors import ScreenTooSlow
from screening.fields import TEXTS, column
from screening.selectors import Matches, about, bounded, row_of, shown_names
from screening.sql.statement import Statement
from stocks.compute import Figures, figures_as_of
from stocks.compute.binary import encode
from stocks.dataset import data_version
from stocks.indicators.catalog import FIELDS
from stocks.overview.standings import COMPARED_WITHIN

#: Days of markets that a process keeps, some megabytes each.
KEPT: Final = 4
#: How long a request waits for another one's day to be computed.
WAIT_SECONDS: Final = 20.0
COMPUTE_TIMEOUT: Final = "30s"
_TABLE: Final = "screen_of_a_day"

_kept: OrderedDict[tuple[int, str, date], Figures] = OrderedDict()
_one_at_a_time = threading.Lock()


def run_past(screen: Screen) -> Matches:
    """The stocks of a market that met all that a screen asks on its day ``as_of``; raises ScreenTooSlow.

    Stocks that are no longer listed are among them, those that were not listed yet are not. Names and sectors
    are today's. The first screen of a day computes the figures of the market, which takes seconds.
    """
    names = shown_names(screen)
    columns = list(dict.fromkeys(column(name) for name in names))
    started = time.perf_counter()
    figures = _figures(screen)
    days = figures.days
    newest: np.datetime64 = days.max() if len(days) else np.datetime64(str(screen.as_of), "D")
    first_day: np.datetime64 = newest - np.timedelta64(COMPARED_WITHIN)
    with bounded(), connection.cursor() as cursor:
        _store(cursor, figures, _needed(screen, columns))
        currencies = _currencies(cursor)
        statement = Statement(figures=_TABLE, listed="figures.stock_id IS NOT NULL")
        where = [statement.condition(screen.tree), f"figures.date >= '{first_day}'"]
        ids = ["count(*) OVER ()", "stock.code", "stock.name", "stock.market_id", "stock.currency"]
        rows = statement.select([*ids, "figures.date", *(f'figures."{name}"' for name in columns)], where)
        page = f"{rows} ORDER BY {_order(screen)}, stock.code LIMIT %s OFFSET %s"
        cursor.execute(page, [*statement.parameters, screen.per_page, screen.first])
        found = cursor.fetchall()
        total = found[0][0] if found else 0
        if not found and screen.first:
            cursor.execute(f"SELECT count(*) FROM ({rows}) AS all_of_them", statement.parameters)  # noqa: S608
            [total] = cursor.fetchone()
    left_out = int(np.count_nonzero(days < first_day))
    warnings = [] if total else list(_without_values(screen, figures))
    warnings += about(left_out, currencies, screen)
    return Matches(
        rows=[row_of(names, columns, values[1:]) for values in found],
        total=total,
        milliseconds=(time.perf_counter() - started) * 1000,
        warnings=warnings,
    )


def _figures(screen: Screen) -> Figures:
    """The figures of the screen's day. They are computed one after the other in each process."""
    assert screen.as_of is not None
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise ScreenTooSlow
    try:
        key = (data_version(), screen.market, screen.as_of)
        if (known := _kept.get(key)) is None:
            with _longer():
                known = _kept[key] = figures_as_of(screen.market, screen.as_of)
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return known
    finally:
        _one_at_a_time.release()


@contextmanager
def _longer() -> Iterator[None]:
    """A transaction whose statements may read a whole market."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [COMPUTE_TIMEOUT])
        yield


def _needed(screen: Screen, columns: Sequence[str]) -> list[str]:
    """The figures that are asked for or shown."""
    return list(dict.fromkeys([*columns, *(column(name) for name in screen.asked)]))


def _store(cursor: CursorWrapper, figures: Figures, columns: Sequence[str]) -> None:
    """Put these columns into a table that ends with the transaction."""
    names = ", ".join(f'"{name}" double precision' for name in columns)
    values = figures.values[:, [FIELDS.index(name) for name in columns]]
    cursor.execute(
        f"DROP TABLE IF EXISTS {_TABLE}; CREATE TEMPORARY TABLE {_TABLE}"
        f" (stock_id integer PRIMARY KEY, date date, {names}) ON COMMIT DROP"
    )
    with cursor.copy(f"COPY {_TABLE} FROM STDIN (FORMAT binary)") as copy:
        copy.write(encode([figures.stocks, figures.days], np.where(np.isfinite(values), values, np.nan)))
    cursor.execute(f"ANALYZE {_TABLE}")


def _currencies(cursor: CursorWrapper) -> tuple[str, ...]:
    cursor.execute(
        f"SELECT DISTINCT currency FROM stocks_stock JOIN {_TABLE} AS figures ON stock_id = id ORDER BY 1"  # noqa: S608
    )
    return tuple(currency for (currency,) in cursor.fetchall())


def _order(screen: Screen) -> str:
    name = f"stock.{screen.sort_by}" if screen.sort_by in TEXTS else f'figures."{column(screen.sort_by)}"'
    return f"{name} {'DESC' if screen.descending else 'ASC'} NULLS LAST"


def _without_values(screen: Screen, figures: Figures) -> Iterator[str]:
    for name in screen.asked:
        if np.isnan(figures.values[:, FIELDS.index(column(name))]).all():
            yield f"No stock of this market had a value for {name} on that day."
