"""The rows of a file in a temporary table, some thousand at a time.

What rows of one file have to do with each other and with the ledger is asked of the database. So no file,
however long, is in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from portfolios.importing.layout import Layout
from portfolios.importing.rows import EARLIEST, Refusal, Row, RowReader
from portfolios.importing.upload import Upload
from portfolios.models import Portfolio
from portfolios.services.actions import opening_of
from portfolios.services.imports.stocks import NamedStocks, records_of
from portfolios.services.recording import CASH_ALONE
from portfolios.types import TransactionType
from stocks.loading.database import copy_rows, execute
from stocks.models import Stock
from stocks.sessions import schedule

AT_ONCE: Final = 5000
_MAKE = """
DROP TABLE IF EXISTS pg_temp.import_stage;
CREATE TEMPORARY TABLE import_stage (
    line integer PRIMARY KEY, status text NOT NULL, place text NOT NULL, reason text NOT NULL,
    type text, stock_id integer, quantity numeric(28,10), price numeric(20,8), amount numeric(24,8),
    fee numeric(24,8), tax numeric(24,8), ratio_to numeric(20,10), ratio_from numeric(20,10),
    currency text, traded_at timestamptz, external_id text, note text,
    given_rate numeric(30,20), given_base text, label integer, reverses integer, replaces integer,
    action_kind text, action_date date,
    content bytea, nth integer, matched uuid, number integer, id uuid
) ON COMMIT DROP
"""
_COLUMNS: Final = (
    *("line", "status", "place", "reason", "type", "stock_id", "quantity", "price", "amount", "fee", "tax"),
    *("ratio_to", "ratio_from", "currency", "traded_at", "external_id", "note", "given_rate", "given_base"),
    *("label", "reverses", "replaces", "action_kind", "action_date"),
)
_COPY = f"COPY import_stage ({', '.join(_COLUMNS)}) FROM STDIN"
_NOTHING: Final = (None,) * (len(_COLUMNS) - 4)
NEW, DUPLICATE, REFUSED, SKIPPED = "new", "duplicate", "refused", "skipped"
_SPREAD: Final = (TransactionType.SPLIT, TransactionType.BONUS)

Staged = tuple[Any, ...]


def stage(upload: Upload, layout: Layout, named: NamedStocks, portfolio: Portfolio, *, now: datetime) -> None:
    """Fill the stage with every row of a file: those that are whole as new, the others as refused."""
    execute(_MAKE)
    rows = _rows(upload, layout, _Placing(layout, named, portfolio, now))
    while some := list(islice(rows, AT_ONCE)):
        copy_rows(_COPY, some)
    execute("ANALYZE import_stage")


def counts() -> dict[str, int]:
    """How many rows have which status."""
    return dict(execute("SELECT status, count(*) FROM import_stage GROUP BY status"))


def refuse(line: int, place: str, reason: str) -> None:
    """Refuse a row that was new until something else was looked at."""
    execute(
        "UPDATE import_stage SET status = 'refused', place = %s, reason = %s WHERE line = %s",
        [place, reason, line],
    )


def rows_of(statement: str, values: Any = None, *, at_once: int = 2000) -> Iterator[tuple[Any, ...]]:
    """The rows of a query as they are fetched, few at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while some := cursor.fetchmany(at_once):
            yield from some


def _rows(upload: Upload, layout: Layout, placing: _Placing) -> Iterator[Staged]:
    records = iter(records_of(upload, layout))
    reader = RowReader(layout, *next(records))
    for line, cells in records:
        row = reader.read(line, cells)
        if row is None:
            yield line, SKIPPED, "type", "the mapping leaves such rows out", *_NOTHING
        elif isinstance(row, Row):
            yield placing.place(row)
        else:
            yield _refused(row)


def _refused(row: Refusal) -> Staged:
    return row.line, REFUSED, row.column, row.reason, *_NOTHING


class _Placing:
    """Gives rows their stocks, currencies and times."""

    def __init__(self, layout: Layout, named: NamedStocks, portfolio: Portfolio, now: datetime) -> None:
        self._named, self._now, self._zone = named, now, ZoneInfo(layout.time_zone)
        self._records_cash = portfolio.records_cash

    def place(self, row: Row) -> Staged:
        stock: Stock | None = None
        if row.stock is not None:
            if (problem := self._named.problems.get(row.stock)) is not None:
                return _refused(Refusal(row.line, "stock_code", problem))
            stock = self._named.found[row.stock]
            if row.currency is not None and row.currency != stock.currency:
                reason = f"must be {stock.currency}, that of {stock.code}"
                return _refused(Refusal(row.line, "currency", reason))
        elif row.type in CASH_ALONE and not self._records_cash:
            return _refused(Refusal(row.line, "type", "the portfolio records no cash"))
        moment = self._moment(row, stock)
        if moment < EARLIEST:
            return _refused(Refusal(row.line, "traded_at", f"must not be before {EARLIEST.year}"))
        if moment > self._now:
            return _refused(Refusal(row.line, "traded_at", "must not be in the future"))
        return (
            *(row.line, NEW, "", ""),
            *(row.type.value, None if stock is None else stock.pk, row.quantity, row.price, row.amount),
            *(row.fee, row.tax, *(row.ratio or (None, None))),
            *(row.currency if stock is None else stock.currency, moment, row.external_id, row.note),
            *(row.fx_rate, row.base_currency, row.label, row.reverses, row.replaces),
            *(row.action or (None, None)),
        )

    def _moment(self, row: Row, stock: Stock | None) -> datetime:
        """When a row takes effect: of a day alone the close of its session, of a split its opening.

        What it says must not depend on when it is read: else the same row would be another one tomorrow.
        """
        if isinstance(row.moment, datetime):
            return row.moment
        if stock is None:
            return datetime.combine(row.moment, time(0), self._zone).astimezone(UTC)
        if row.type in _SPREAD:
            return opening_of(stock, row.moment)
        return schedule(stock.market.calendar).close_of(row.moment)


def stocks_touched() -> list[int]:
    """The stocks of new rows."""
    found: Iterable[tuple[int]] = execute(
        "SELECT DISTINCT stock_id FROM import_stage WHERE status = 'new' AND stock_id IS NOT NULL ORDER BY 1"
    )
    return [stock_id for (stock_id,) in found]
