"""The bars of stocks packed into one row each: a copy that is read many times as fast as the bars.

Working out one more session needs the whole history, for averages that decay never quite forget it. Reading a
million bars and turning their decimals into doubles takes longer than all else. So what was read is kept as
bytes, up to a day some sessions back, and the next computation reads only what came after.

The copy must never be believed when bars have changed since, whoever changed them and by what means. Every
row carries the number of the transaction that wrote it (its xmin). A copy is made with the number of the
oldest transaction that still ran, its horizon; all that changes a bar afterwards has a later number, or
removes a row. So a copy is good if there are as many bars as it holds, all with earlier numbers than its
horizon. That is one pass over the rows without reading a single price.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection
from psycopg.sql import SQL, Literal

from stocks.arrays import numbers
from stocks.compute.binary import EPOCH, HEADER, TRAILER, messages
from stocks.indicators.bars import Array

#: The last days of a market stay out: bars still come, and are corrected, for some days.
UNPACKED_DAYS: Final = 7
#: When so many days are unpacked, all are packed anew.
REPACKED_AFTER_DAYS: Final = 35
#: So many stocks are checked all at once before they are one by one.
MANY: Final = 200
#: Numbers of transactions begin anew after four billion; a copy this many behind is made anew.
MAX_AGE: Final = 1_000_000_000

_CLUSTER: Final = "(SELECT system_identifier FROM pg_control_system())"
_HORIZON: Final = "pg_snapshot_xmin(pg_current_snapshot())"
_THROUGH = f"""
SELECT through FROM stocks_packedbars WHERE stock_id = ANY(%(stocks)s::int[]) AND cluster = {_CLUSTER}
GROUP BY through ORDER BY count(*) DESC, through DESC LIMIT 1
"""  # noqa: S608 – nothing but constants of this module
_NEWEST = """
SELECT max(last.date) FROM unnest(%(stocks)s::int[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT date FROM stocks_dailybar WHERE stock_id = wanted.id ORDER BY date DESC LIMIT 1
) AS last
"""
_STATE = f"""
WITH bars AS (
    SELECT stock_id, count(*) AS count, min(age(xmin)) AS age
    FROM stocks_dailybar WHERE stock_id = ANY(%(stocks)s::int[]) AND date <= %(through)s GROUP BY stock_id
), packed AS (
    SELECT stock_id, count, age((horizon %% 4294967296)::text::xid) AS age
    FROM stocks_packedbars
    WHERE stock_id = ANY(%(stocks)s::int[]) AND through = %(through)s AND cluster = {_CLUSTER}
)
SELECT stock_id, coalesce(
           packed.count = bars.count AND packed.age BETWEEN 0 AND {MAX_AGE} AND bars.age > packed.age, false
       ), bars.age > age(({_HORIZON}::text::bigint %% 4294967296)::text::xid)
FROM bars LEFT JOIN packed USING (stock_id)
"""  # noqa: S608 – nothing but constants of this module
# Where no bar of the table is younger than any copy and there are as many as all copies hold, each copy is
# good: a pass that need not tell the stocks apart takes a third of the time.
_ALL_GOOD = f"""
WITH bars AS (
    SELECT count(*) AS count, min(age(xmin)) AS age FROM stocks_dailybar WHERE date <= %(through)s
), packed AS (
    SELECT sum(count) AS count, min(age) AS youngest, max(age) AS oldest,
           bool_and(through = %(through)s AND cluster = {_CLUSTER}) AS same
    FROM (
        SELECT *, age((horizon %% 4294967296)::text::xid) AS age FROM stocks_packedbars
    ) AS copies
)
SELECT coalesce(
    packed.same AND packed.count = bars.count AND packed.youngest >= 0 AND packed.oldest <= {MAX_AGE}
        AND bars.age > packed.oldest,
    false
)
FROM bars, packed
"""  # noqa: S608 – nothing but constants of this module
_PACKED = f"""
SELECT stock_id FROM stocks_packedbars
WHERE stock_id = ANY(%(stocks)s::int[]) AND through = %(through)s AND cluster = {_CLUSTER}
"""  # noqa: S608 – nothing but constants of this module
_UNPACK = SQL("""
COPY (SELECT stock_id, bars FROM stocks_packedbars WHERE stock_id = ANY({stocks}::int[]))
TO STDOUT (FORMAT binary)
""")
_PACK: Final = """
COPY stocks_packedbars (stock_id, cluster, horizon, through, count, bars) FROM STDIN (FORMAT binary)
"""
#: Number of fields, length and value of the id, length of the bytes.
_ROW: Final = struct.Struct(">hiii")
#: Five doubles and a day.
_BAR_BYTES: Final = 5 * 8 + 4


@dataclass(frozen=True, slots=True)
class Packs:
    """What the copies of some stocks are good for.

    Attributes:
        through: the day up to which they are packed.
        good: the ids of those whose copy says what the bars say.
        worth: the ids of those that have no good copy and may be packed now; the bars of the others have
            been written by transactions that still run.
        cluster, horizon: as they stand in a row that is packed now.
    """

    through: date
    good: frozenset[int]
    worth: frozenset[int]
    cluster: int
    horizon: int


def packs_of(stock_ids: Sequence[int]) -> Packs | None:
    """The state of the copies of some stocks; None where these have no bars.

    To be asked before the bars are read: what changes between makes a copy bad, not the figures wrong.
    """
    packs = likely_packs(stock_ids)
    return None if packs is None else checked(packs, stock_ids)


def checked(packs: Packs, stock_ids: Sequence[int]) -> Packs:
    """The state of copies that were taken to be good."""
    if len(stock_ids) >= MANY and are_good(packs):
        return packs
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"stocks": numbers(stock_ids), "through": packs.through})
        rows = cursor.fetchall()
    return replace(
        packs,
        good=frozenset(stock for stock, is_good, _ in rows if is_good),
        worth=frozenset(stock for stock, is_good, is_settled in rows if is_settled and not is_good),
    )


def are_good(packs: Packs) -> bool:
    """Whether the copies of all stocks that there are say what the bars say, as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_GOOD, {"through": packs.through})
        return bool(cursor.fetchone() == (True,))


def packs_alone() -> bool:
    """Whether no other transaction packs from now until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('stocks_packed_bars'))")
        return bool(cursor.fetchone() == (True,))


def likely_packs(stock_ids: Sequence[int]) -> Packs | None:
    """The copies of some stocks, all taken to be good; None where these have no bars.

    Looking at every bar takes a while, in which other work can be done. But as long as :func:`are_good` has
    not confirmed it, no copy that was read may be replaced: see :func:`packs_alone`.
    """
    stocks = {"stocks": numbers(stock_ids)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_CLUSTER}, {_HORIZON}::text::bigint")
        cluster, horizon = cursor.fetchone()
        cursor.execute(_NEWEST, stocks)
        (newest,) = cursor.fetchone()
        if newest is None:
            return None
        cursor.execute(_THROUGH, stocks)
        row = cursor.fetchone()
        if row is None or newest - row[0] > timedelta(days=REPACKED_AFTER_DAYS) or row[0] > newest:
            through = newest - timedelta(days=UNPACKED_DAYS)
        else:
            through = row[0]
        cursor.execute(_PACKED, stocks | {"through": through})
        good = frozenset(stock for (stock,) in cursor.fetchall())
    return Packs(through, good, frozenset(), cluster, horizon)


def unpack(stock_ids: Sequence[int]) -> dict[int, tuple[npt.NDArray[np.int32], Array]]:
    """The packed days since 2000 and OHLCV (5, n) of stocks by id."""
    found: dict[int, tuple[npt.NDArray[np.int32], Array]] = {}
    at = len(HEADER)
    for row in messages(_UNPACK.format(stocks=Literal(numbers(stock_ids)))):
        if len(row) > at + len(TRAILER):
            _, _, stock, _ = _ROW.unpack_from(row, at)
            found[stock] = _arrays(row[at + _ROW.size :])
            at = 0
    return found


def pack(packs: Packs, stocks: Mapping[int, tuple[npt.NDArray[np.int32], Array]]) -> None:
    """Keep the bars up to ``packs.through`` of those of the stocks that are worth it.

    Where another computation packs at this moment nothing is kept: the copy is only a convenience.
    """
    chosen = {stock: bars for stock, bars in stocks.items() if stock in packs.worth}
    if not chosen or not packs_alone():
        return
    limit = (packs.through - EPOCH.astype(date)).days
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM stocks_packedbars WHERE stock_id = ANY(%s::int[])", [numbers(chosen)])
        with cursor.copy(_PACK) as copy:
            copy.set_types(["int4", "int8", "int8", "date", "int4", "bytea"])
            for stock, (days, ohlcv) in chosen.items():
                count = int(np.searchsorted(days, limit, side="right"))
                packed = np.ascontiguousarray(ohlcv[:, :count]).tobytes() + days[:count].tobytes()
                copy.write_row((stock, packs.cluster, packs.horizon, packs.through, count, packed))


def _arrays(packed: memoryview) -> tuple[npt.NDArray[np.int32], Array]:
    """Views of the bytes, which need not begin where a double may."""
    count = len(packed) // _BAR_BYTES
    ohlcv = np.frombuffer(packed, dtype=np.float64, count=5 * count).reshape(5, count)
    return np.frombuffer(packed, dtype=np.int32, offset=ohlcv.nbytes), ohlcv
