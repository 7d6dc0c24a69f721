"""The latest prices in the database: reading them back and writing newer ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from stocks.models import Quote
from stocks.types import Tick

# One statement a batch. Rows are taken in the order of their ids, so that two writers never wait for each
# other in a circle; an older tick than the stored one changes nothing.
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(
        %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::bigint[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::text[]
    ) AS tick (code, price, previous_close, open, high, low, volume, as_of, seq, received_at, source)
), written AS (
    INSERT INTO stocks_quote AS quote
        (stock_id, price, previous_close, open, high, low, volume, as_of, seq, received_at, source)
    SELECT stock.id, price, previous_close, open, high, low, volume, as_of, seq, received_at, given.source
      FROM given JOIN stocks_stock AS stock USING (code)
     ORDER BY stock.id
    ON CONFLICT (stock_id) DO UPDATE SET
        price = excluded.price, previous_close = excluded.previous_close, open = excluded.open,
        high = excluded.high, low = excluded.low, volume = excluded.volume, as_of = excluded.as_of,
        seq = excluded.seq, received_at = excluded.received_at, source = excluded.source
      WHERE (excluded.as_of, excluded.seq) > (quote.as_of, quote.seq)
    RETURNING 1
)
SELECT (SELECT count(*) FROM written),
       (SELECT array_agg(code ORDER BY code) FROM given
         WHERE NOT EXISTS (SELECT 1 FROM stocks_stock AS stock WHERE stock.code = given.code))
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many quotes changed, and the codes that no stock has."""

    changed: int
    unknown: tuple[str, ...]


def write_quotes(ticks: Iterable[Tick]) -> Written:
    """Store ticks, at most one a code; one that is not newer than the stored quote changes nothing."""
    columns = list(
        zip(
            *(
                (
                    *(tick.code, tick.price, tick.previous_close, tick.open, tick.high, tick.low),
                    *(tick.volume, tick.as_of, tick.seq, tick.received_at, tick.source),
                )
                for tick in ticks
            ),
            strict=True,
        )
    )
    if not columns:
        return Written(0, ())
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [list(column) for column in columns])
        changed, unknown = cursor.fetchone()
    return Written(changed, tuple(unknown or ()))


def last_ticks() -> dict[str, Tick]:
    """The stored quote of every stock as the tick that it came from, by code."""
    names = ("price", "as_of", "received_at", "source", "seq", "volume", "open", "high", "low")
    rows = Quote.objects.order_by().values_list("stock__code", *names, "previous_close")
    return {code: Tick(code, *values) for code, *values in rows}
