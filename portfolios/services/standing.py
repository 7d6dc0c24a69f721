"""What a new row of a stock begins from, read by one statement once the portfolio is locked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from portfolios.models import Holding, Portfolio
from portfolios.services.actions import KINDS
from stocks.models import Stock

_FIELDS: Final = [field.attname for field in Holding._meta.concrete_fields]
# Due are actions since the first row of the stock, a day earlier whatever the zone, that nobody looked at.
_STANDING: Final = """
SELECT EXISTS (
         SELECT FROM stocks_corporateaction AS action
          WHERE action.stock_id = wanted.stock_id AND action.kind = ANY(%s) AND action.ex_date <= %s
            AND action.ex_date >= (
                SELECT min(traded_at)::date - 1 FROM portfolios_transaction AS first
                 WHERE first.portfolio_id = wanted.portfolio_id AND first.stock_id = wanted.stock_id)
            AND NOT EXISTS (
                SELECT FROM portfolios_appliedaction AS applied
                 WHERE applied.portfolio_id = wanted.portfolio_id AND applied.stock_id = wanted.stock_id
                   AND applied.kind = action.kind AND applied.ex_date = action.ex_date)),
       held.id, held.portfolio_id, held.stock_id, quantity, cost, base_cost, realized, base_realized,
       income, base_income, newest_at, newest_sequence, created_at, updated_at
  FROM (SELECT %s::uuid AS portfolio_id, %s::int AS stock_id) AS wanted
  LEFT JOIN portfolios_holding AS held USING (portfolio_id, stock_id)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The holding of a stock, None where no row of it counts, and whether a corporate action of it is due."""

    holding: Holding | None
    has_due_actions: bool


def standing_of(portfolio: Portfolio, stock: Stock, *, now: datetime) -> Standing:
    today = now.astimezone(ZoneInfo(stock.market.timezone)).date()
    with connection.cursor() as cursor:
        kinds = [kind.value for kind in KINDS]
        cursor.execute(_STANDING, [kinds, today, portfolio.pk, stock.pk])
        is_due, *row = cursor.fetchone()
    return Standing(None if row[0] is None else Holding.from_db("default", _FIELDS, row), is_due)
