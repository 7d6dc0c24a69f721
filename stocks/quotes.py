"""The latest prices in the database: reading them back and writing newer ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stocks import arrays
from stocks.binding import bound_cursor
from stocks.models import Quote
from stocks.types import Tick
from stocks.wire_text import micros

# One statement a batch. Rows are taken in the order of their ids, so that two writers never wait for each
# other in a circle; an older tick than the stored one changes nothing.
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(
        %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[]
    ) AS tick (code, price, previous_close, open, high, low, volume, as_of, seq, received_at, source)
), listed AS (
    SELECT given.*, stock.id FROM given LEFT JOIN stocks_stock AS stock USING (code)
), written AS (
    INSERT INTO stocks_quote AS quote
        (stock_id, price, previous_close, open, high, low, volume, as_of, seq, received_at, source)
    SELECT id, price, previous_close, open, high, low, volume,
           'epoch'::timestamptz + as_of * interval '1 microsecond', seq,
           'epoch'::timestamptz + received_at * interval '1 microsecond', source
      FROM listed WHERE id IS NOT NULL
     ORDER BY id
    ON CONFLICT (stock_id) DO UPDATE SET
        price = excluded.price, previous_close = excluded.previous_close, open = excluded.open,
        high = excluded.high, low = excluded.low, volume = excluded.volume, as_of = excluded.as_of,
        seq = excluded.seq, received_at = excluded.received_at, source = excluded.source
      WHERE (excluded.as_of, excluded.seq) > (quote.as_of, quote.seq)
    RETURNING stock_id
)
SELECT (SELECT array_agg(code) FROM listed WHERE id IN (SELECT stock_id FROM written)),
       (SELECT array_agg(code ORDER BY code) FROM listed WHERE id IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The codes whose quotes changed, and the codes that no stock has."""

    codes: frozenset[str]
    unknown: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many quotes changed."""
        return len(self.codes)


def write_quotes(ticks: Iterable[Tick]) -> Written:
    """Store ticks, at most one a code; one that is not newer than the stored quote changes nothing."""
    ticks = list(ticks)
    if not ticks:
        return Written(frozenset(), ())
    columns = (
        arrays.texts(tick.code for tick in ticks),
        arrays.numbers(tick.price for tick in ticks),
        arrays.numbers(tick.previous_close for tick in ticks),
        arrays.numbers(tick.open for tick in ticks),
        arrays.numbers(tick.high for tick in ticks),
        arrays.numbers(tick.low for tick in ticks),
        arrays.numbers(tick.volume for tick in ticks),
        arrays.numbers(micros(tick.as_of) for tick in ticks),
        arrays.numbers(tick.seq for tick in ticks),
        arrays.numbers(micros(tick.received_at) for tick in ticks),
        arrays.texts(tick.source for tick in ticks),
    )
    with bound_cursor() as cursor:
        cursor.execute(_WRITE, columns)
        changed, unknown = cursor.fetchone()
    return Written(frozenset(changed or ()), tuple(unknown or ()))


def last_ticks() -> dict[str, Tick]:
    """The stored quote of every stock as the tick that it came from, by code."""
    names = ("price", "as_of", "received_at", "source", "seq", "volume", "open", "high", "low")
    rows = Quote.objects.order_by().values_list("stock__code", *names, "previous_close")
    return {code: Tick(code, *values) for code, *values in rows}
