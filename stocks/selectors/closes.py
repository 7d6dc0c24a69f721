"""The stored closes of many stocks over years, as fast as they can be read without losing a digit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection

# One row a stock: half a million rows of their own would take longer to fetch than to find.
_CLOSES = """
SELECT stock_id,
       string_agg(int4send(date - DATE '0001-01-01' + 1), ''::bytea),
       string_agg(int8send(CASE WHEN close < %s THEN (close * 100000000)::int8 ELSE -1 END), ''::bytea)
  FROM (SELECT stock_id, date, close FROM stocks_dailybar
         WHERE stock_id = ANY(%s) AND date BETWEEN %s AND %s
         ORDER BY stock_id, date) AS bars
 GROUP BY stock_id
"""
#: Closes come as whole numbers of this many decimals, which hold prices below this one.
PLACES: Final = 8
BELOW: Final = 90_000_000_000


class StoredCloses(NamedTuple):
    """Closes as loaded, oldest first: ordinals of days, and whole numbers of 10⁻⁸; both int64, shape (n,)."""

    days: npt.NDArray[np.int64]
    prices: npt.NDArray[np.int64]


def stored_closes(stock_ids: Collection[int], *, first: date, last: date) -> dict[int, StoredCloses]:
    """The closes of each stock that has any from ``first`` to ``last`` inclusive, in one query.

    A close that has no room in its whole number, of ninety billions or more, is left out.
    """
    if not stock_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_CLOSES, [BELOW, list(stock_ids), first, last])
        found = {stock: _decoded(days, closes) for stock, days, closes in cursor.fetchall()}
    return {stock: closes for stock, closes in found.items() if len(closes.days)}


def _decoded(days: Any, closes: Any) -> StoredCloses:
    ordinals = np.frombuffer(days, dtype=">i4").astype(np.int64)
    prices = np.frombuffer(closes, dtype=">i8").astype(np.int64)
    known = prices >= 0
    return StoredCloses(ordinals, prices) if known.all() else StoredCloses(ordinals[known], prices[known])
