"""The rows of a ledger that count, as the mathematics takes them, and as its owner lists them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from portfolios.errors import TransactionNotFound
from portfolios.models import Portfolio, Transaction
from portfolios.moments import moment
from portfolios.types import Entry, TransactionType

_FETCHED_AT_ONCE = 2000
_TYPES = {kind.value: kind for kind in TransactionType}
# Neither a reversed row nor its reversal has ever happened.
_COUNTING = """
SELECT sequence, type, (extract(epoch FROM traded_at) * 1000000)::bigint, currency, stock_id,
       quantity, price, amount, fee, tax, ratio_to, ratio_from, fx_rate
  FROM portfolios_transaction AS one
 WHERE portfolio_id = %(portfolio)s AND reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM portfolios_transaction AS other WHERE other.reverses_id = one.id)
"""
_IN_ORDER = " ORDER BY stock_id NULLS FIRST, one.traded_at, sequence"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is read from the newest to the oldest: just after this row."""

    traded_at: datetime
    sequence: int


def entries_of(portfolio: Portfolio) -> Iterator[Entry]:
    """The rows that count, by stock (cash first) and in the order in which they take effect.

    They are read as they are taken, by a cursor of the database: no ledger is too long.
    """
    return _streamed(_COUNTING + _IN_ORDER, {"portfolio": portfolio.pk})


def entries_of_stock(portfolio: Portfolio, stock_id: int) -> list[Entry]:
    """The rows of one stock that count, in the order in which they take effect."""
    with connection.cursor() as cursor:
        only = _COUNTING + " AND stock_id = %(stock)s" + _IN_ORDER
        cursor.execute(only, {"portfolio": portfolio.pk, "stock": stock_id})
        return list(_entries(cursor.fetchall()))


def entries_of_stocks(portfolio: Portfolio, stock_ids: Sequence[int]) -> Iterator[Entry]:
    """The rows of some stocks that count, by stock and in the order in which they take effect.

    In a transaction: they are fetched as they are taken, so that few are in memory at once.
    """
    values = {"portfolio": portfolio.pk, "stocks": list(stock_ids)}
    return _streamed(_COUNTING + " AND stock_id = ANY(%(stocks)s)" + _IN_ORDER, values)


def entries_since(portfolio: Portfolio, sequence: int) -> Iterator[Entry]:
    """The rows after a number that count, fetched as they are taken, in a transaction."""
    return _streamed(_COUNTING + " AND sequence > %(since)s", {"portfolio": portfolio.pk, "since": sequence})


def entry_of(row: Transaction) -> Entry:
    """A row as the mathematics takes it."""
    return Entry(
        sequence=row.sequence,
        type=TransactionType(row.type),
        traded_at=row.traded_at,
        currency=row.currency,
        stock=row.stock_id,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fee=row.fee,
        tax=row.tax,
        ratio_to=row.ratio_to,
        ratio_from=row.ratio_from,
        fx_rate=row.fx_rate,
    )


def transactions_of(portfolio: Portfolio) -> QuerySet[Transaction]:
    """All rows with their stocks and corrections, the newest first."""
    related = ("stock", "reverses", "reversed_by", "replaces", "replaced_by")
    rows = Transaction.objects.filter(portfolio=portfolio).select_related(*related)
    return rows.order_by("-traded_at", "-sequence")


def transactions_page(
    portfolio: Portfolio,
    *,
    kind: str | None = None,
    stock_code: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    after: Place | None = None,
    limit: int,
) -> list[Transaction]:
    """Rows from ``start`` through ``end``, the newest first; one query."""
    rows = chosen(transactions_of(portfolio), kind=kind, stock_code=stock_code, start=start, end=end)
    if after is not None:
        # The first condition alone lets the index begin at the right place.
        rows = rows.filter(
            Q(traded_at__lte=after.traded_at),
            Q(traded_at__lt=after.traded_at) | Q(sequence__lt=after.sequence),
        )
    return list(rows[:limit])


def chosen(
    rows: QuerySet[Transaction],
    *,
    kind: str | None = None,
    stock_code: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> QuerySet[Transaction]:
    """Those of ``rows`` that a list asks for, from ``start`` through ``end``."""
    if kind is not None:
        rows = rows.filter(type=kind)
    if stock_code is not None:
        rows = rows.filter(stock__code__iexact=stock_code)
    if start is not None:
        rows = rows.filter(traded_at__gte=start)
    if end is not None:
        rows = rows.filter(traded_at__lte=end)
    return rows


def transaction_of(portfolio: Portfolio, transaction_id: UUID) -> Transaction:
    """One row with what belongs to it; raises TransactionNotFound."""
    row = transactions_of(portfolio).filter(pk=transaction_id).first()
    if row is None:
        raise TransactionNotFound
    return row


def _streamed(statement: str, values: dict[str, Any]) -> Iterator[Entry]:
    with connection.chunked_cursor() as cursor:
        # All of them are wanted, and not the first of them soon.
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            yield from _entries(rows)


def _entries(rows: Sequence[Sequence[Any]]) -> Iterator[Entry]:
    for sequence, kind, microseconds, *rest in rows:
        yield Entry(sequence, _TYPES[kind], moment(microseconds), *rest)
