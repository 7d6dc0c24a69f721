"""Write many holdings and their lots at once: a statement for some hundreds of stocks, and COPY for lots."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from portfolios.models import Portfolio
from portfolios.services.folding import FoldedStock
from portfolios.services.projecting import SUMS

_AT_ONCE: Final = 200
_LOTS_AT_ONCE: Final = 5000
_HOLDINGS = """
INSERT INTO portfolios_holding (
    id, portfolio_id, stock_id, quantity, cost, base_cost, realized, base_realized, income, base_income,
    newest_at, newest_sequence, created_at, updated_at)
SELECT gen_random_uuid(), %s, one.*, %s, %s
  FROM unnest(%s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
              %s::numeric[], %s::numeric[], %s::timestamptz[], %s::int[]) AS one
ON CONFLICT (portfolio_id, stock_id) DO UPDATE
   SET quantity = excluded.quantity, cost = excluded.cost, base_cost = excluded.base_cost,
       realized = excluded.realized, base_realized = excluded.base_realized, income = excluded.income,
       base_income = excluded.base_income, newest_at = excluded.newest_at,
       newest_sequence = excluded.newest_sequence, updated_at = excluded.updated_at
RETURNING stock_id, id
"""
_COPY_LOTS = "COPY portfolios_lot (holding_id, sequence, opened_at, quantity, cost, base_cost) FROM STDIN"


class Storing:
    """Makes stored holdings and their lots those that are ``put``, some hundreds at a time.

    It runs in a transaction that holds the lock of the portfolio; ``flush`` writes what is left.
    """

    def __init__(self, portfolio: Portfolio, *, now: datetime) -> None:
        self._portfolio, self._now = portfolio, now
        self._waiting: list[FoldedStock] = []
        self._lots = 0

    def put(self, stock: FoldedStock) -> None:
        self._waiting.append(stock)
        self._lots += len(stock.position.lots)
        if len(self._waiting) >= _AT_ONCE or self._lots >= _LOTS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        columns: list[list[Any]] = [
            [stock.stock_id for stock in self._waiting],
            *([getattr(stock.position, name) for stock in self._waiting] for name in SUMS),
            [stock.newest.traded_at for stock in self._waiting],
            [stock.newest.sequence for stock in self._waiting],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_HOLDINGS, [self._portfolio.pk, self._now, self._now, *columns])
            holdings = dict(cursor.fetchall())
            cursor.execute("DELETE FROM portfolios_lot WHERE holding_id = ANY(%s)", [list(holdings.values())])
            with cursor.copy(_COPY_LOTS) as copy:
                for stock in self._waiting:
                    for lot in stock.position.lots:
                        row: tuple[Any, int, datetime, Decimal, Decimal, Decimal | None] = (
                            *(holdings[stock.stock_id], lot.sequence, lot.opened_at),
                            *(lot.quantity, lot.cost, lot.base_cost),
                        )
                        copy.write_row(row)
        self._waiting, self._lots = [], 0
