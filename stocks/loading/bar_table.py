"""Writing checked bars: straight into the table where none of their days is stored, else stage and MERGE."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter

import polars as pl
from django.db import connection

from stocks.loading.basis import CommonDay
from stocks.loading.database import copy_text, execute
from stocks.loading.upsert import Upsert
from stocks.partitions import ensure_years

TABLE = "stocks_dailybar"
KEY = ("stock_id", "date")
VALUES = ("open", "high", "low", "close", "volume")
_COLUMNS = (*KEY, *VALUES, "source")
_COPY = f"COPY {TABLE} ({', '.join(_COLUMNS)}) FROM STDIN"

# Of each stock the last stored day among those of the batch: one probe of the key a stock, because LIMIT
# keeps the planner from joining the whole table instead. Here and below, the batch's first and last day stand
# in the statement so that the planner leaves out the partitions of other years.
_LAST_STORED = f"""
    SELECT span.stock_id, stored.date
      FROM unnest(%s::integer[], %s::date[], %s::date[]) AS span (stock_id, first, last)
     CROSS JOIN LATERAL (
        SELECT bar.date FROM {TABLE} bar
         WHERE bar.stock_id = span.stock_id AND bar.date BETWEEN span.first AND span.last
           AND bar.date BETWEEN %s AND %s
         ORDER BY bar.date DESC LIMIT 1
     ) AS stored
"""  # noqa: S608 - the table's name is a constant

_DAYS = "SELECT stock_id, date FROM stocks_dailybar WHERE stock_id = ANY(%s) ORDER BY stock_id, date"
_COMMON_DAYS = "CREATE TEMPORARY TABLE load_common_days {} ON COMMIT DROP".format(
    "(stock_id integer, date date, stored numeric, loaded numeric)"
)
_COMPARE = f"""
    WITH common AS MATERIALIZED (
        SELECT new.stock_id, new.date, old.close AS stored, new.close AS loaded,
               old.close <> new.close OR new.stock_id = ANY(%s::integer[]) AS telling,
               (old.open, old.high, old.low, old.close, old.volume)
                 IS NOT DISTINCT FROM (new.open, new.high, new.low, new.close, new.volume) AS same
          FROM load_{TABLE} new JOIN {TABLE} old USING (stock_id, date)
         WHERE old.date BETWEEN %s AND %s
    ), kept AS (
        INSERT INTO load_common_days SELECT stock_id, date, stored, loaded FROM common WHERE telling
    )
    SELECT stock_id, count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT telling), max(date)
      FROM common GROUP BY stock_id
"""  # noqa: S608 - the table's name is a constant


@dataclass(slots=True)
class Overlap:
    """Days of one stock that the file and the table both have: how many equal ones, and the last of all."""

    equal: int
    last: date


@dataclass(slots=True)
class BarTable:
    """The bars' table during one load.

    Attributes:
        source: what new and changed rows name as their source.
        rebased: stocks with stored rebases; all of their common days are kept for :meth:`common_days`.
        overlaps: what the file has had in common with the table so far, by stock.
    """

    source: str
    rebased: list[int]
    overlaps: dict[int, Overlap] = field(default_factory=dict)
    _years: set[int] = field(default_factory=set)
    _upsert: Upsert = field(init=False)

    def __post_init__(self) -> None:
        self._upsert = Upsert(table=TABLE, key=KEY, inserted=VALUES, compared=VALUES, carried=("source",))

    def prepare(self) -> None:
        """Make the temporary tables; they end with the transaction."""
        self._upsert.prepare()
        execute("DROP TABLE IF EXISTS pg_temp.load_common_days")
        execute(_COMMON_DAYS)

    def write(self, bars: pl.DataFrame, text: memoryview | None = None) -> tuple[int, int]:
        """Store rows of KEY and VALUES without duplicate keys; returns how many were inserted and updated.

        ``text`` is :func:`bar_text` of all of them, where it is made already.
        """
        if not bars.height:
            return 0, 0
        years = set(bars["date"].dt.year().unique()) - self._years
        ensure_years(years)
        self._years |= years
        fresh, known = self._split(bars)
        if fresh.height:
            whole = text if fresh.height == bars.height else None
            copy_text(_COPY, [whole or bar_text(fresh, self.source)])
        inserted = updated = 0
        if known.height:
            whole = text if known.height == bars.height else None
            copy_text(self._upsert.copy_statement(), [whole or bar_text(known, self.source)])
            inserted, updated = self._merge(known.height, _days(known))
        return fresh.height + inserted, updated

    def common_days(self) -> Iterator[tuple[int, Iterator[CommonDay]]]:
        """The stocks whose closes differ, or that were rebased, with those common days, oldest first."""
        with connection.chunked_cursor() as cursor:
            cursor.execute("SELECT * FROM load_common_days ORDER BY stock_id, date")
            for stock_id, rows in groupby(cursor, itemgetter(0)):
                yield stock_id, (CommonDay(*row[1:]) for row in rows)

    def days_of(self, stock_ids: list[int]) -> Iterator[tuple[int, list[date]]]:
        """Each of the stocks with all of its stored days, oldest first."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(_DAYS, [stock_ids])
            for stock_id, rows in groupby(cursor, itemgetter(0)):
                yield stock_id, [row[1] for row in rows]

    def _split(self, bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The bars that are certainly new, and those that may be stored."""
        spans = bars.group_by("stock_id").agg(first=pl.col("date").min(), last=pl.col("date").max())
        rows = execute(_LAST_STORED, [*(spans[name].to_list() for name in spans.columns), *_days(bars)])
        if not rows:
            return bars, bars.clear()
        schema = {"stock_id": pl.Int32, "last": pl.Date}
        lasts = pl.DataFrame(rows, schema=schema, orient="row")
        found = bars.join(lasts, on="stock_id", how="left", maintain_order="left")
        known = (pl.col("date") <= pl.col("last")).fill_null(False)
        return found.filter(~known).drop("last"), found.filter(known).drop("last")

    def _merge(self, staged: int, days: tuple[date, date]) -> tuple[int, int]:
        same = 0
        for stock_id, unchanged, equal, last in execute(_COMPARE, [self.rebased, *days]):
            same += unchanged
            overlap = self.overlaps.setdefault(stock_id, Overlap(0, last))
            overlap.equal += equal
            overlap.last = max(overlap.last, last)
        if same == staged:
            self._upsert.empty()
            return 0, 0
        return self._upsert.merge()


def _days(bars: pl.DataFrame) -> tuple[date, date]:
    """The first and the last day of the bars."""
    first, last = bars.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    return first, last


def bar_text(bars: pl.DataFrame, source: str) -> memoryview:
    """The COPY text of KEY, VALUES and source."""
    text = io.BytesIO()
    rows = bars.select(*KEY, *VALUES, pl.lit(source).alias("source"))
    rows.write_csv(text, include_header=False, separator="\t", quote_style="never", null_value="\\N")
    return text.getbuffer()
