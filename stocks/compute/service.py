"""Compute the latest indicators of one stock, a market or all, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from stocks.compute.ranking import rank_markets
from stocks.compute.reading import read_bars, read_on_file
from stocks.compute.row import OWN_FIELDS, stock_figures
from stocks.compute.writing import Written, write_figures
from stocks.dataset import bump_version
from stocks.errors import MarketNotFound, StockNotFound
from stocks.indicators.bars import Array
from stocks.models import LatestIndicators, Market, Stock

#: Stocks per read: their bars are held in memory together, about 8 MB for two years.
CHUNK: Final = 256
#: Sources that list every dividend of their stocks, so that none on file means none paid.
LISTS_ALL_DIVIDENDS: Final = frozenset({"sandbox"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a computation did, in stocks.

    ``skipped`` have no bars (their rows are removed, ``removed`` of them had one); ``rescored`` are all whose
    scores changed, also those of the same market that were not asked for.
    """

    stocks: int
    computed: int
    skipped: int
    inserted: int
    updated: int
    unchanged: int
    removed: int
    rescored: int
    seconds: float


def compute_indicators(
    *,
    codes: Sequence[str] | None = None,
    market: str | None = None,
    as_of: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Compute and store the indicators of some stocks as of the last bar of each.

    Args:
        codes: the stocks; all of them where None.
        market: only stocks of this market.
        as_of: count nothing later than this day; the rows then state the figures of that day. None: today.
        progress: called with (stocks done, stocks in all) as the work proceeds.

    Raises:
        StockNotFound: one of ``codes`` is not listed (on ``market``, where both are given).
        MarketNotFound: there is no such market.
    """
    started = time.perf_counter()
    today = timezone.now().date()
    with transaction.atomic():
        _work_alone()
        stocks = _select(codes, market)
        written, skipped = Written(), set(stocks)
        done = 0
        for chunk in _chunks(list(stocks.values())):
            part = _compute(chunk, as_of=as_of, today=today)
            if part is not None:
                written |= write_figures(*part, columns=OWN_FIELDS)
                skipped.difference_update(part[0].tolist())
            done += len(chunk)
            if progress is not None:
                progress(done, len(stocks))
        removed, _ = LatestIndicators.objects.filter(stock_id__in=skipped).delete()
        rescored = rank_markets({stock.market_id for stock in stocks.values()})
        updated = (written.updated | (rescored & stocks.keys())) - written.inserted
        if written.inserted or updated or rescored or removed:
            bump_version()
            _tell_planner()
    computed = len(stocks) - len(skipped)
    return Summary(
        stocks=len(stocks),
        computed=computed,
        skipped=len(skipped),
        inserted=len(written.inserted),
        updated=len(updated),
        unchanged=computed - len(written.inserted) - len(updated),
        removed=removed,
        rescored=len(rescored),
        seconds=round(time.perf_counter() - started, 3),
    )


def _work_alone() -> None:
    """Wait for another computation to end, and allow for statements longer than a request's."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '10min'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('stocks_compute_indicators'))")


def _tell_planner() -> None:
    """Until the statistics know the rows, a screen would be planned as if there were one."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE stocks_latestindicators, stocks_stock")


def _select(codes: Sequence[str] | None, market: str | None) -> dict[int, Stock]:
    chosen = Stock.objects.order_by("id")
    if market is not None:
        if not Market.objects.filter(code=market).exists():
            raise MarketNotFound(market)
        chosen = chosen.filter(market_id=market)
    if codes is not None:
        chosen = chosen.filter(code__in=codes)
    stocks = {stock.id: stock for stock in chosen}
    missing = set(codes or ()) - {stock.code for stock in stocks.values()}
    if missing:
        raise StockNotFound(min(missing))
    return stocks


def _chunks(stocks: Sequence[Stock]) -> Iterator[Sequence[Stock]]:
    for first in range(0, len(stocks), CHUNK):
        yield stocks[first : first + CHUNK]


def _compute(
    stocks: Sequence[Stock], *, as_of: date | None, today: date
) -> tuple[np.ndarray, np.ndarray, Array] | None:
    """The ids, days and figures of those of the stocks that have bars; None where none has."""
    by_id = {stock.id: stock for stock in stocks}
    on_file = read_on_file(list(by_id))
    ids: list[int] = []
    days: list[date] = []
    figures: list[Array] = []
    for bars in read_bars(list(by_id), through=as_of or date.max):
        stock = by_id[bars.stock_id]
        day, values = stock_figures(
            bars,
            on_file[stock.id],
            currency=stock.currency,
            shares_outstanding=stock.shares_outstanding,
            lists_all_dividends=stock.source in LISTS_ALL_DIVIDENDS,
            as_of=as_of,
            today=today,
        )
        ids.append(stock.id)
        days.append(day)
        figures.append(values)
    if not ids:
        return None
    return np.array(ids, dtype=np.int32), np.array(days, dtype="datetime64[D]"), np.vstack(figures)
