"""The tables of indicators, written by COPY: the latest through a stage, the last sessions as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from stocks.arrays import numbers
from stocks.compute.binary import encode
from stocks.compute.sessions import KEPT_SESSIONS, Sessions
from stocks.indicators.bars import Array
from stocks.indicators.catalog import RECENT_FIELDS

Ids = npt.NDArray[np.int32]

_FORGET = """
DELETE FROM stocks_recentindicators AS stored
USING unnest(%s::int[], %s::int[], %s::int[]) AS kept (stock_id, first, last)
WHERE stored.stock_id = kept.stock_id AND stored.number NOT BETWEEN kept.first AND kept.last
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The ids of the stocks whose rows are new, and of those whose rows changed."""

    inserted: frozenset[int] = frozenset()
    updated: frozenset[int] = frozenset()

    def __or__(self, other: Written) -> Written:
        return Written(self.inserted | other.inserted, self.updated | other.updated)


def write_figures(
    stocks: Ids, days: npt.NDArray[np.datetime64], values: Array, columns: Sequence[str]
) -> Written:
    """Insert or update the rows of ``stocks``; rows that say the same already are left alone.

    ``values`` has a row a stock and a column each of ``columns``; NaN is written as NULL.
    """
    with connection.cursor() as cursor:
        _stage(cursor, stocks, days, values, columns)
        names = ", ".join(columns)
        cursor.execute(
            f"""
            INSERT INTO stocks_latestindicators AS kept (stock_id, computed_at, date, {names})
            SELECT stock_id, %s, date, {names} FROM indicators_stage ORDER BY stock_id
            ON CONFLICT (stock_id) DO UPDATE
            SET computed_at = excluded.computed_at, date = excluded.date,
                {", ".join(f"{name} = excluded.{name}" for name in columns)}
            WHERE ROW(kept.date, {_prefixed("kept", columns)})
                IS DISTINCT FROM ROW(excluded.date, {_prefixed("excluded", columns)})
            RETURNING stock_id, xmax = 0
            """,  # noqa: S608 – the names are identifiers from the catalogue, not input
            [timezone.now()],
        )
        rows = cursor.fetchall()
        cursor.execute("DROP TABLE indicators_stage")
    return Written(
        inserted=frozenset(stock for stock, is_new in rows if is_new),
        updated=frozenset(stock for stock, is_new in rows if not is_new),
    )


def update_figures(
    stocks: Ids, days: npt.NDArray[np.datetime64], values: Array, columns: Sequence[str]
) -> frozenset[int]:
    """Set ``columns`` in the existing rows of ``stocks`` and return the ids of those that changed."""
    if not len(stocks):
        return frozenset()
    with connection.cursor() as cursor:
        _stage(cursor, stocks, days, values, columns)
        cursor.execute(
            f"""
            UPDATE stocks_latestindicators AS kept
            SET computed_at = %s, {", ".join(f"{name} = fresh.{name}" for name in columns)}
            FROM indicators_stage AS fresh
            WHERE kept.stock_id = fresh.stock_id
                AND ROW({_prefixed("kept", columns)}) IS DISTINCT FROM ROW({_prefixed("fresh", columns)})
            RETURNING kept.stock_id
            """,  # noqa: S608 – the names are identifiers from the catalogue, not input
            [timezone.now()],
        )
        changed = frozenset(stock for (stock,) in cursor.fetchall())
        cursor.execute("DROP TABLE indicators_stage")
    return changed


def write_sessions(stocks: Ids, sessions: Sessions) -> bool:
    """Store the fresh sessions of ``stocks`` and forget those that are no longer among the last ones.

    Says whether there were any.
    """
    behind = np.arange(sessions.values.shape[1])[::-1]
    chosen = np.flatnonzero(sessions.fresh > 0)
    if not len(chosen):
        return False
    count, fresh = sessions.count[chosen], sessions.fresh[chosen]
    first = np.maximum(count - KEPT_SESSIONS + 1, 1)
    rows, columns = np.nonzero(behind[np.newaxis, :] < fresh[:, np.newaxis])
    leading = [
        stocks[chosen][rows],
        sessions.days[chosen][rows, columns],
        count[rows] - behind[columns],
        sessions.inputs[chosen][rows],
    ]
    with connection.cursor() as cursor:
        kept = [numbers(array.tolist()) for array in (stocks[chosen], first, count - fresh)]
        cursor.execute(_FORGET, kept)
        names = ", ".join(("stock_id", "date", "number", "inputs", *RECENT_FIELDS))
        with cursor.copy(f"COPY stocks_recentindicators ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(encode(leading, _known(sessions.values[chosen][rows, columns])))
        cursor.execute("DELETE FROM stocks_indicatorstate WHERE stock_id = ANY(%s::int[])", kept[:1])
        chains = sessions.left[chosen].view(f"V{sessions.left.shape[1] * sessions.left.itemsize}")[:, 0]
        with cursor.copy(
            "COPY stocks_indicatorstate (stock_id, inputs, chains) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.write(encode([stocks[chosen], sessions.inputs[chosen], chains], np.empty((len(chosen), 0))))
    return True


def _stage(
    cursor: CursorWrapper,
    stocks: Ids,
    days: npt.NDArray[np.datetime64],
    values: Array,
    columns: Sequence[str],
) -> None:
    figures = ", ".join(f"{name} double precision" for name in columns)
    cursor.execute(
        f"CREATE TEMPORARY TABLE indicators_stage (stock_id integer, date date, {figures}) ON COMMIT DROP"
    )
    with cursor.copy("COPY indicators_stage FROM STDIN (FORMAT binary)") as copy:
        copy.write(encode([stocks, days], _known(values)))


def _known(values: Array) -> Array:
    """An infinity is as unknown as NaN, and the sum turns −0.0 into 0.0."""
    known: Array = np.where(np.isfinite(values), values, np.nan) + 0.0
    return known


def _prefixed(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in columns)
