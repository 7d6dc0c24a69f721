"""The new rows of the stage into the ledger, and what is folded from it, in one pass over their stocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from psycopg import sql

from portfolios.errors import InsufficientQuantity
from portfolios.maths.cash import cash_balances
from portfolios.maths.lots import Oversell, Position
from portfolios.models import Portfolio
from portfolios.selectors.ledger import entries_of_stocks, entries_since
from portfolios.selectors.rates import rates_by_day
from portfolios.services.folding import FoldedStock
from portfolios.services.imports.matching import earliest_of_stocks
from portfolios.services.imports.staging import AT_ONCE, refuse
from portfolios.services.projecting import add_cash
from portfolios.services.storing import Storing
from portfolios.types import Entry, Method
from stocks.loading.database import copy_rows, execute
from stocks.models import Stock

# Numbers follow the file, or run against it where the newest row comes first.
_NUMBER = sql.SQL("""
UPDATE import_stage AS one SET number = %s + numbered.place, id = gen_random_uuid()
  FROM (SELECT line, row_number() OVER (ORDER BY line {order}) AS place
          FROM import_stage WHERE status = 'new') AS numbered
 WHERE one.line = numbered.line
""")
_MAKE_RATES = """
DROP TABLE IF EXISTS pg_temp.import_rate;
CREATE TEMPORARY TABLE import_rate (currency text, day date, rate numeric(30,20), PRIMARY KEY (currency, day))
    ON COMMIT DROP
"""
_DAYS = """
SELECT currency, array_agg(DISTINCT (traded_at AT TIME ZONE 'UTC')::date) FROM import_stage
 WHERE status = 'new' AND currency <> %s AND (given_rate IS NULL OR given_base IS DISTINCT FROM %s)
 GROUP BY currency ORDER BY currency
"""
_APPEND = """
INSERT INTO portfolios_transaction (
    id, portfolio_id, sequence, type, stock_id, quantity, price, amount, fee, tax, ratio_to, ratio_from,
    currency, fx_rate, traded_at, recorded_at, price_basis, external_id, import_hash, note,
    reverses_id, replaces_id)
SELECT one.id, %(portfolio)s, one.number, one.type, one.stock_id, one.quantity, one.price, one.amount,
       one.fee, one.tax, one.ratio_to, one.ratio_from, one.currency,
       CASE WHEN one.currency = %(base)s THEN 1
            WHEN one.given_base = %(base)s AND one.given_rate IS NOT NULL THEN one.given_rate
            ELSE rate.rate END,
       one.traded_at, %(now)s, 'given', one.external_id,
       CASE WHEN one.external_id IS NULL AND one.reverses IS NULL
            THEN sha256(one.content || int4send(one.nth)) END,
       one.note,
       CASE WHEN one.reverses IS NOT NULL
            THEN (SELECT old.id FROM import_stage AS old WHERE old.label = one.reverses) END,
       CASE WHEN one.replaces IS NOT NULL
            THEN (SELECT coalesce(old.matched, old.id) FROM import_stage AS old
                   WHERE old.label = one.replaces) END
  FROM import_stage AS one
  LEFT JOIN import_rate AS rate
    ON rate.currency = one.currency AND rate.day = (one.traded_at AT TIME ZONE 'UTC')::date
 WHERE one.status = 'new' AND one.number > %(after)s AND one.number <= %(through)s
 ORDER BY one.number
"""
# Of an action that was written anew the newest row is the one.
_APPLIED = """
INSERT INTO portfolios_appliedaction AS applied (portfolio_id, stock_id, kind, ex_date, transaction_id)
SELECT DISTINCT ON (stock_id, action_kind, action_date) %(portfolio)s, stock_id, action_kind, action_date, id
  FROM import_stage WHERE status = 'new' AND action_kind IS NOT NULL AND reverses IS NULL
 ORDER BY stock_id, action_kind, action_date, number DESC
ON CONFLICT (portfolio_id, stock_id, ex_date, kind) DO UPDATE SET transaction_id = excluded.transaction_id
 WHERE applied.transaction_id IS NULL
"""
# The last row of the file that the oversold one comes after: what took the shares away.
_BLAMED = """
SELECT line FROM import_stage
 WHERE status = 'new' AND stock_id = %(stock)s
   AND (number = %(sequence)s
        OR traded_at <= (SELECT traded_at FROM portfolios_transaction
                          WHERE portfolio_id = %(portfolio)s AND sequence = %(sequence)s))
 ORDER BY number = %(sequence)s DESC, traded_at DESC, number DESC LIMIT 1
"""


def append_new(portfolio: Portfolio, *, newest_first: bool, now: datetime) -> None:
    """Add the new rows to the ledger of the locked portfolio, numbered in the order of the file."""
    before = portfolio.last_sequence
    order = sql.SQL("DESC" if newest_first else "ASC")
    execute(_NUMBER.format(order=order), [before])
    # Each batch finds its rows, and those that they correct, without a look at all the others.
    execute(
        "CREATE INDEX ON import_stage (number); CREATE INDEX ON import_stage (label); ANALYZE import_stage"
    )
    ((last,),) = execute("SELECT max(number) FROM import_stage")
    if last is None:
        return
    if not portfolio.base_currency:
        ((portfolio.base_currency,),) = execute(
            "SELECT currency FROM import_stage WHERE number = %s", [before + 1]
        )
    _stage_rates(portfolio.base_currency)
    # Keys are looked at with each batch: all of them at the end would be one very long statement.
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    values = {"portfolio": portfolio.pk, "base": portfolio.base_currency, "now": now}
    for after in range(before, last, AT_ONCE):
        execute(_APPEND, {**values, "after": after, "through": after + AT_ONCE})
    execute(_APPLIED, values)
    portfolio.last_sequence = last
    portfolio.save(update_fields=["last_sequence", "base_currency"])


def _stage_rates(base: str) -> None:
    execute(_MAKE_RATES)
    for currency, days in execute(_DAYS, [base, base]):
        rates = rates_by_day([currency], base, days=days)[currency]
        copy_rows(
            "COPY import_rate (currency, day, rate) FROM STDIN",
            ((currency, day, rate) for day, rate in zip(days, rates, strict=True) if rate is not None),
        )
    execute("ANALYZE import_rate")


def project(portfolio: Portfolio, stocks: dict[int, Stock], *, since: int, now: datetime) -> None:
    """Fold the stocks of the new rows again; a row that takes more than there is is refused in the stage."""
    rows = entries_of_stocks(portfolio, list(earliest_of_stocks()))
    storing = Storing(portfolio, now=now)
    for stock_id, entries in groupby(rows, key=attrgetter("stock")):
        position, seen = Position(Method(portfolio.method), keeps_sales=False), _Newest(entries)
        try:
            position.take(seen)
        except Oversell as oversell:
            _refuse_oversell(portfolio, stocks[stock_id], oversell)
        else:
            assert seen.row is not None
            storing.put(FoldedStock(stock_id, position, seen.row))
    storing.flush()
    if portfolio.records_cash:
        for currency, change in cash_balances(entries_since(portfolio, since)).items():
            add_cash(portfolio, currency, change)


class _Newest:
    """Rows as they are taken, of which the last one is kept."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.row: Entry | None = None
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.row = entry
            yield entry


def _refuse_oversell(portfolio: Portfolio, stock: Stock, oversell: Oversell) -> None:
    error = InsufficientQuantity(stock.code, oversell.held, oversell.requested)
    values = {"portfolio": portfolio.pk, "stock": stock.pk, "sequence": oversell.sequence}
    # Without the new rows the ledger held: one of them comes before the row that takes too much, or is it.
    ((line,),) = execute(_BLAMED, values)
    ((own,),) = execute("SELECT count(*) FROM import_stage WHERE number = %s", [oversell.sequence])
    message = error.message.rstrip(".")
    if not own:
        message = (
            f"Row {oversell.sequence} of the ledger would take what this row leaves too few of: {message}"
        )
    refuse(line, "quantity", message)
