"""What the computation reads: bars by binary COPY, and what is on file about each company."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from django.db import connection
from psycopg.sql import SQL, Literal

from stocks.compute.binary import EPOCH, decode
from stocks.indicators.filings import Filing
from stocks.indicators.snapshots import Snapshot
from stocks.models import CorporateAction, FundamentalSnapshot, Statement
from stocks.types import Action, ActionKind

_BARS = SQL("""
COPY (
    SELECT stock_id, date, coalesce(open::float8, 'NaN'), coalesce(high::float8, 'NaN'),
           coalesce(low::float8, 'NaN'), close::float8, volume::float8
    FROM stocks_dailybar
    WHERE stock_id = ANY({stocks}) AND date <= {through}
    ORDER BY stock_id, date
) TO STDOUT (FORMAT binary)
""")
# The fields of Action, Filing and Snapshot, in the order of those classes.
_ACTION = ("ex_date", "ratio", "amount", "currency")
_STATEMENT = (
    *("fiscal_year", "fiscal_quarter", "filed_on", "currency"),
    *("revenue", "operating_profit", "net_profit"),
    *("total_equity", "total_assets", "total_liabilities"),
)
_SNAPSHOT = (
    *("as_of", "currency"),
    *("price", "eps", "per", "pbr", "psr", "dividend_yield", "market_cap"),
)


@dataclass(frozen=True, slots=True)
class RawBars:
    """All bars of one stock as loaded, oldest first: ``datetime64[D]`` (n,) and OHLCV (5, n), NaN if NULL."""

    stock_id: int
    days: npt.NDArray[np.datetime64]
    ohlcv: npt.NDArray[np.float64]


@dataclass(slots=True)
class OnFile:
    """Everything filed, published or announced about one company, in no order."""

    actions: list[Action] = field(default_factory=list)
    filings: list[Filing] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)


def read_bars(stock_ids: Sequence[int], *, through: date) -> Iterator[RawBars]:
    """The bars of each stock up to ``through``; stocks without any are left out.

    All of a stock's bars are read, not a window: recursive averages (EMA, Wilder) never forget their seed
    entirely, and only from the same first bar does one more day give, bit for bit, what a recomputation does.
    """
    data = bytearray()
    query = _BARS.format(stocks=Literal(list(stock_ids)), through=Literal(through))
    # Django's debug cursor takes a COPY only as one string without parameters.
    with connection.cursor() as cursor, cursor.copy(query.as_string(cursor.connection)) as copy:
        for message in copy:  # joining them instead keeps a million messages alive: four times slower
            data += message
    rows = decode(data, floats=5)
    if not len(rows):
        return
    starts = np.flatnonzero(np.diff(rows["stock"], prepend=-1))
    for first, last in zip(starts, [*starts[1:], len(rows)], strict=True):
        part = rows[first:last]
        yield RawBars(
            stock_id=int(part["stock"][0]),
            days=EPOCH + part["date"].astype("timedelta64[D]"),
            ohlcv=np.ascontiguousarray(part["values"]["value"].T, dtype=np.float64),
        )


def read_on_file(stock_ids: Sequence[int]) -> defaultdict[int, OnFile]:
    """The corporate actions, statements and published ratios of the stocks; a stock without any has none."""
    on_file: defaultdict[int, OnFile] = defaultdict(OnFile)
    of = {"stock_id__in": stock_ids}
    actions = CorporateAction.objects.filter(**of).order_by()
    for stock_id, kind, *rest in actions.values_list("stock_id", "kind", *_ACTION):
        on_file[stock_id].actions.append(Action(ActionKind(kind), *rest))
    statements = Statement.objects.filter(**of).order_by()
    for stock_id, *row in statements.values_list("stock_id", *_STATEMENT):
        on_file[stock_id].filings.append(Filing(*row[:4], *map(_float, row[4:])))
    snapshots = FundamentalSnapshot.objects.filter(**of).order_by()
    for stock_id, *row in snapshots.values_list("stock_id", *_SNAPSHOT):
        on_file[stock_id].snapshots.append(Snapshot(*row[:2], *map(_float, row[2:])))
    return on_file


def _float(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
