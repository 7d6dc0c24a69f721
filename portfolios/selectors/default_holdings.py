"""What the default portfolio of a user holds, as ``GET /v1/holdings`` tells it: without models, by one query
where all of it has a quote.

Numbers come as the texts that the database has of them, with all decimals of their columns. They are read
several times as fast as Decimals, and a whole number is made of one by leaving out its point.
"""

from __future__ import annotations

from datetime import date
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

_HELD: Final = """
SELECT stock.code, stock.name, stock.currency, market.calendar, held.quantity::text, held.cost::text, {price}
  FROM portfolios_portfolio AS owned
  JOIN portfolios_holding AS held ON held.portfolio_id = owned.id AND held.quantity > 0
  JOIN stocks_stock AS stock ON stock.id = held.stock_id
  JOIN stocks_market AS market ON market.code = stock.market_id
  LEFT JOIN stocks_quote AS quote ON quote.stock_id = held.stock_id
{bars}
 WHERE owned.owner_id = %s AND owned.is_default AND owned.archived_at IS NULL
"""
# The newest quote of what is held, or where there is none the close of the last bar.
_PRICED: Final = _HELD.format(
    price="""
       coalesce(quote.price, bar.close)::text, coalesce(quote.source, bar.source),
       (extract(epoch FROM quote.as_of) * 1000000)::bigint, bar.date""",
    bars="""
  LEFT JOIN LATERAL (
       SELECT close, date, source FROM stocks_dailybar
        WHERE stock_id = held.stock_id AND quote.stock_id IS NULL
        ORDER BY date DESC LIMIT 1
       ) AS bar ON true""",
)
# Where all that is held has a quote it says the same; every partition of the bars takes time to plan.
_QUOTED: Final = _HELD.format(
    price="""
       quote.price::text, quote.source, (extract(epoch FROM quote.as_of) * 1000000)::bigint, NULL""",
    bars="",
)
_CODE: Final = itemgetter(0)
_PRICE: Final = itemgetter(6)


class HeldRow(NamedTuple):
    """A stock that is held and its newest price, in the stock's currency.

    ``quantity`` has ten decimals, ``cost`` twenty, ``price`` eight; it is None where nobody knows one. A
    price of a quote has its time in microseconds since 1970, ``micros``; that of a bar its ``day``.
    """

    code: str
    name: str
    currency: str
    calendar: str
    quantity: str
    cost: str
    price: str | None
    source: str | None
    micros: int | None
    day: date | None


def default_holdings_of(user_id: UUID) -> list[HeldRow]:
    """The rows of the user's default portfolio by code; none where there is no such portfolio yet."""
    with connection.cursor() as cursor:
        cursor.execute(_QUOTED, [user_id])
        rows = cursor.fetchall()
        if None in map(_PRICE, rows):
            # All of it anew: the rows of a reply are of one moment.
            cursor.execute(_PRICED, [user_id])
            rows = cursor.fetchall()
    return [HeldRow._make(row) for row in sorted(rows, key=_CODE)]
