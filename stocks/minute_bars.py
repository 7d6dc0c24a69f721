"""Bars of one minute in the database: parts of minutes joined into what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from stocks import arrays
from stocks.binding import bound_cursor
from stocks.minutes import Minute

# What ``stocks.minutes.join`` compares.
_EARLIER = (
    "(excluded.first_at, excluded.first_seq, excluded.open, coalesce(excluded.first_volume, -1))"
    " < (bar.first_at, bar.first_seq, bar.open, coalesce(bar.first_volume, -1))"
)
_LATER = (
    "(excluded.last_at, excluded.last_seq, excluded.close, coalesce(excluded.last_volume, -1),"
    ' excluded.source COLLATE "C")'
    ' > (bar.last_at, bar.last_seq, bar.close, coalesce(bar.last_volume, -1), bar.source COLLATE "C")'
)


def _set(names: Sequence[str], where: str) -> str:
    return ",\n    ".join(
        f"{name} = CASE WHEN {where} THEN excluded.{name} ELSE bar.{name} END" for name in names
    )


# One statement a batch, its rows in the order of their keys, so that two writers never wait for each other in
# a circle. A part that is known already writes nothing.
_WRITE = f"""
WITH given AS (
    SELECT * FROM unnest(
        %s::text[], %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::bigint[],
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[]
    ) AS minute (code, start, open, high, low, close, first_at, first_seq, last_at, last_seq, first_volume,
                 last_volume, source)
)
INSERT INTO stocks_minutebar AS bar
    (stock_id, start, open, high, low, close, first_at, first_seq, last_at, last_seq, first_volume,
     last_volume, source)
SELECT stock.id, 'epoch'::timestamptz + start * interval '1 microsecond', open, high, low, close,
       'epoch'::timestamptz + first_at * interval '1 microsecond', first_seq,
       'epoch'::timestamptz + last_at * interval '1 microsecond', last_seq,
       first_volume, last_volume, given.source
  FROM given JOIN stocks_stock AS stock USING (code)
 ORDER BY stock.id, start
ON CONFLICT (stock_id, start) DO UPDATE SET
    {_set(("open", "first_at", "first_seq", "first_volume"), _EARLIER)},
    {_set(("close", "last_at", "last_seq", "last_volume", "source"), _LATER)},
    high = greatest(bar.high, excluded.high),
    low = least(bar.low, excluded.low)
  WHERE excluded.high > bar.high OR excluded.low < bar.low OR {_EARLIER} OR {_LATER}
"""  # noqa: S608 - put together from the constants above alone


def write_minutes(minutes: Sequence[Minute]) -> int:
    """Join parts of minutes into the stored bars, each minute of a stock at most once; codes that no stock
    has are left out. Returns how many bars changed.
    """
    if not minutes:
        return 0
    columns = (
        arrays.texts(minute.code for minute in minutes),
        arrays.numbers(minute.start for minute in minutes),
        arrays.numbers(minute.open for minute in minutes),
        arrays.numbers(minute.high for minute in minutes),
        arrays.numbers(minute.low for minute in minutes),
        arrays.numbers(minute.close for minute in minutes),
        arrays.numbers(minute.first_at for minute in minutes),
        arrays.numbers(minute.first_seq for minute in minutes),
        arrays.numbers(minute.last_at for minute in minutes),
        arrays.numbers(minute.last_seq for minute in minutes),
        arrays.numbers(minute.first_volume for minute in minutes),
        arrays.numbers(minute.last_volume for minute in minutes),
        arrays.texts(minute.source for minute in minutes),
    )
    with bound_cursor() as cursor:
        cursor.execute(_WRITE, columns)
        return cursor.rowcount
