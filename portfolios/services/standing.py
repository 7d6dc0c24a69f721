"""What a new row of a stock begins from: read with the lock of its portfolio, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.rows import Columns, select
from portfolios.maths.lots import Lot
from portfolios.models import Holding, Portfolio
from portfolios.services.actions import KINDS
from portfolios.services.locking import LOCK, locked
from portfolios.services.projecting import ADDING, lot_of
from portfolios.types import Method, TransactionType
from stocks.models import Stock

_HOLDING: Final = Columns(Holding, "held")


def due_action(*, portfolio: str, stock: str) -> str:
    """Whether an action of the stock is to be written: SQL that takes kinds and a day, a list and a date.

    Due are actions since the first row of the stock, a day earlier whatever the zone, that nobody looked at.
    """
    return f"""
EXISTS (SELECT FROM stocks_corporateaction AS action
         WHERE action.stock_id = {stock} AND action.kind = ANY(%s) AND action.ex_date <= %s
           AND action.ex_date >= (
               SELECT min(traded_at)::date - 1 FROM portfolios_transaction AS first
                WHERE first.portfolio_id = {portfolio} AND first.stock_id = {stock})
           AND NOT EXISTS (
               SELECT FROM portfolios_appliedaction AS applied
                WHERE applied.portfolio_id = {portfolio} AND applied.stock_id = {stock}
                  AND applied.kind = action.kind AND applied.ex_date = action.ex_date))
"""  # noqa: S608 - put together from constants alone


_WANTED: Final = """
  FROM (SELECT %s::uuid AS portfolio_id, %s::int AS stock_id) AS wanted
  LEFT JOIN portfolios_holding AS held USING (portfolio_id, stock_id)
"""
_IS_DUE: Final = due_action(portfolio="wanted.portfolio_id", stock="wanted.stock_id")
_STANDING: Final = f"{select(_HOLDING)}, {_IS_DUE} {_WANTED}"
# A sale takes from them, and by the average method every row does.
_LOTS: Final = """
SELECT lot.sequence, (extract(epoch FROM opened_at) * 1000000)::bigint, lot.quantity, lot.cost, lot.base_cost
  FROM portfolios_holding AS held JOIN portfolios_lot AS lot ON lot.holding_id = held.id
 WHERE held.portfolio_id = %s AND held.stock_id = %s
   AND (NOT %s OR EXISTS (SELECT FROM portfolios_portfolio AS own WHERE own.id = %s AND own.method = %s))
 ORDER BY opened_at, lot.sequence
"""
# Each statement sees what was committed while the first of them waited for the lock.
_ALL: Final = ";".join((LOCK, _STANDING, _LOTS))


@dataclass(frozen=True, slots=True)
class Standing:
    """The locked portfolio, and how it stands with a stock.

    ``holding`` is None where no row of the stock counts. ``lots`` are all of it, in the order in which they
    were opened, or none where the new row touches none of them. ``has_due_actions`` says whether a corporate
    action is to be written first.
    """

    portfolio: Portfolio
    holding: Holding | None
    lots: list[Lot]
    has_due_actions: bool


def standing_lock(portfolio_id: UUID, stock: Stock, kind: TransactionType, *, now: datetime) -> Standing:
    """Lock a portfolio for a new row of a stock; raises PortfolioNotFound where it is archived."""
    today = now.astimezone(ZoneInfo(stock.market.timezone)).date()
    values = (
        *(portfolio_id, [one.value for one in KINDS], today, portfolio_id, stock.pk),
        *(portfolio_id, stock.pk, kind in ADDING, portfolio_id, Method.AVERAGE.value),
    )
    with connection.cursor() as cursor:
        cursor.execute(_ALL, values)
        portfolio = locked(cursor.fetchone())
        cursor.nextset()
        *row, is_due = cursor.fetchone()
        cursor.nextset()
        lots = [lot_of(one) for one in cursor.fetchall()]
    holding = None if row[0] is None else _HOLDING.model(row)
    return Standing(portfolio, holding, lots, is_due)
