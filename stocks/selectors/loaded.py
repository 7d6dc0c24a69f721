"""How far the bars of each stock reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from stocks.models import DailyBar
from stocks.types import StockKey

# The ends of each history come from the partitions' own order, without a sort.
_LOADED = """
SELECT stock.id, stock.code, stock.market_id, stock.currency, market.calendar, stock.kind, stock.listed_on,
       first.date, last.date, fetched.at
  FROM stocks_stock AS stock
  JOIN stocks_market AS market ON market.code = stock.market_id
  LEFT JOIN LATERAL (
    SELECT date FROM stocks_dailybar WHERE stock_id = stock.id ORDER BY date LIMIT 1
  ) AS first ON true
  LEFT JOIN LATERAL (
    SELECT date FROM stocks_dailybar WHERE stock_id = stock.id ORDER BY date DESC LIMIT 1
  ) AS last ON true
  LEFT JOIN stocks_fetched AS fetched ON fetched.name = %(kind)s || ':' || stock.code
 WHERE stock.is_active
   AND (%(markets)s::text[] IS NULL OR stock.market_id = ANY(%(markets)s))
   AND (%(codes)s::text[] IS NULL OR stock.code = ANY(%(codes)s))
 ORDER BY stock.code
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A listed stock, its first and last bar (None: it has none), and when the providers were asked last."""

    id: int
    key: StockKey
    calendar: str
    kind: str
    listed_on: date | None
    first: date | None
    last: date | None
    asked_at: datetime | None

    @property
    def code(self) -> str:
        return self.key.code


def loaded_stocks(
    *, asked: str, markets: Iterable[str] | None = None, codes: Iterable[str] | None = None
) -> list[Loaded]:
    """The listed stocks of these markets and codes (None: of all), by code.

    ``asked`` names what ``asked_at`` is about: bars, actions, statements.
    """
    values = {
        "kind": asked,
        "markets": None if markets is None else list(markets),
        "codes": None if codes is None else list(codes),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOADED, values)
        return [
            Loaded(stock_id, StockKey(code, market, currency), *rest)
            for stock_id, code, market, currency, *rest in cursor.fetchall()
        ]


def bar_days(stock_ids: Sequence[int], start: date, end: date) -> dict[int, set[date]]:
    """The days with a bar from ``start`` to ``end`` inclusive, by stock."""
    found: dict[int, set[date]] = {stock_id: set() for stock_id in stock_ids}
    rows = DailyBar.objects.filter(stock_id__in=stock_ids, date__range=(start, end)).order_by()
    for stock_id, day in rows.values_list("stock_id", "date"):
        found[stock_id].add(day)
    return found
