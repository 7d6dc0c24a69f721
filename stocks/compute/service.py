"""Compute the indicators of one stock, a market or all, in one transaction; or those of a day in the past."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from stocks.compute.market import MarketBars, market_exists, stocks_of
from stocks.compute.own import OWN_FIELDS, Part
from stocks.compute.packing import Packs, are_good, checked, likely_packs, packs_alone
from stocks.compute.ranking import rank_market
from stocks.compute.writing import Written, update_figures, write_figures, write_sessions
from stocks.dataset import bump_version
from stocks.errors import StockNotFound
from stocks.indicators.bars import Array, Days
from stocks.indicators.catalog import FIELDS
from stocks.indicators.scores import SCORE_IDS
from stocks.models import IndicatorRun, IndicatorState, LatestIndicators, PackedBars, RecentIndicators, Stock

#: Every stored column, in the order in which they are written.
WRITTEN = (*OWN_FIELDS, *SCORE_IDS)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a computation did, in stocks.

    ``skipped`` have no bars (their rows are removed, ``removed`` of them had one); ``rescored`` were not
    asked for, but stand in the same market as those that were, and their figures changed with it.
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


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of n stocks on the day of the last bar of each: FIELDS, (n, fields), NaN where unknown."""

    stocks: npt.NDArray[np.int32]
    days: Days
    values: Array


class _CopiesAreBad(Exception):
    """Bars have changed since they were packed."""


@dataclass(frozen=True, slots=True)
class _Working:
    """A market whose stocks, by id, a thread is working out."""

    market: str
    stocks: Collection[int]
    parts: Sequence[Future[Part]]


@dataclass(slots=True)
class _Done:
    """What became of the stocks so far, by id."""

    read: set[int] = field(default_factory=set)
    written: Written = field(default_factory=Written)
    computed: set[int] = field(default_factory=set)
    rescored: set[int] = field(default_factory=set)
    removed: int = 0
    has_sessions: bool = False


def compute_indicators(
    *,
    codes: Sequence[str] | None = None,
    market: str | None = None,
    as_of: date | None = None,
    anew: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Compute and store the indicators of some stocks as of the last bar of each.

    Where the level of a market's benchmark turns out to have been another on an earlier session, all of its
    stocks are computed, for the figures of all follow it.

    Args:
        codes: the stocks; all of them where None.
        market: only stocks of this market.
        as_of: count nothing later than this day; the rows then state the figures of that day. None: today.
        anew: believe nothing that was kept to save time: read every bar, compute every session.
        progress: called with (stocks done, stocks in all) as the work proceeds.

    Raises:
        StockNotFound: one of ``codes`` is not listed (on ``market``, where both are given).
        MarketNotFound: there is no such market.
    """
    started = time.perf_counter()
    today = timezone.now().date()
    with transaction.atomic():
        work_alone()
        asked = _select(codes, market)
        if codes is None:
            supersede(market)
        compute = partial(
            _compute, asked, is_whole=codes is None, as_of=as_of, anew=anew, today=today, progress=progress
        )
        done: _Done | None = None
        packs = likely_packs(list(asked)) if codes is None else None
        if packs is not None and packs.good and market is None and not anew and packs_alone():
            # Of an evening no copy of bars has gone bad. If one has, all is taken back and done with care.
            with contextlib.suppress(_CopiesAreBad), transaction.atomic():
                done = compute(packs, confirms=True)
        if done is None:
            done = compute(None if packs is None else checked(packs, list(asked)))
        changes = (done.written.inserted, done.written.updated, done.rescored, done.removed)
        if any(changes) or done.has_sessions:
            bump_version()
        if done.written.inserted:
            _tell_planner()
    computed, skipped = asked.keys() & done.computed, asked.keys() - done.computed
    updated = computed & done.written.updated
    inserted = computed & done.written.inserted
    return Summary(
        stocks=len(asked),
        computed=len(computed),
        skipped=len(skipped),
        inserted=len(inserted),
        updated=len(updated),
        unchanged=len(computed) - len(inserted) - len(updated),
        removed=done.removed,
        rescored=len((done.rescored | done.written.updated | done.written.inserted) - asked.keys()),
        seconds=round(time.perf_counter() - started, 3),
    )


def figures_as_of(market: str, day: date) -> Figures:
    """The figures of a market as they were known at the end of a day, scores and all, without storing them.

    A stock whose first bar is later is not among them. Nothing that was filed or published later counts, and
    no action that took effect later; shares outstanding are today's, brought back over splits.

    Raises:
        MarketNotFound: there is no such market.
    """
    market_exists(market)
    bars = MarketBars(market, stocks_of(market), as_of=day, keeps=False)
    with ThreadPoolExecutor(1) as thread:
        working = bars.parts(bars.levels(), thread, today=timezone.now().date(), sessions="none")
        parts = [part.result() for part in working]
    ranked = rank_market(market, parts, alone=True)
    own = np.concatenate([np.empty((0, len(OWN_FIELDS))), *(part.values for part in parts)])
    values = np.concatenate([own, ranked.scores], axis=1)
    return Figures(ranked.stocks, ranked.days, values[:, [WRITTEN.index(name) for name in FIELDS]])


def work_alone() -> None:
    """Wait for another computation to end, and allow for statements longer than a request's."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '10min'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('stocks_compute_indicators'))")


def supersede(market: str | None) -> None:
    """Let no run that is under way publish figures of the market, or of any: what follows now is newer."""
    runs = IndicatorRun.objects.filter(status=IndicatorRun.Status.RUNNING)
    if market is not None:
        runs = runs.filter(Q(market=market) | Q(market=None))
    runs.update(status=IndicatorRun.Status.SUPERSEDED, finished_at=timezone.now())


def store_parts(market: str, parts: Sequence[Part]) -> tuple[Written, frozenset[int], bool]:
    """Rank and write what was worked out of one market.

    Returns:
        What was written, the ids of the other stocks of the market whose scores changed, and whether there
        are new sessions.
    """
    ranked = rank_market(market, parts)
    own = np.concatenate([np.empty((0, len(OWN_FIELDS))), *(part.values for part in parts)])
    count = len(own)
    written = Written()
    if count:
        values = np.concatenate([own, ranked.scores[:count]], axis=1)
        written = write_figures(ranked.stocks[:count], ranked.days[:count], values, WRITTEN)
    rescored = update_figures(ranked.stocks[count:], ranked.days[count:], ranked.scores[count:], SCORE_IDS)
    fresh = [write_sessions(part.stocks, part.sessions) for part in parts if part.sessions is not None]
    return written, rescored, any(fresh)


def forget(stock_ids: Collection[int]) -> int:
    """Remove what is kept of stocks that have no bars any more; returns how many had figures."""
    if not stock_ids:
        return 0
    removed, _ = LatestIndicators.objects.filter(stock_id__in=stock_ids).delete()
    for kept in (RecentIndicators, IndicatorState, PackedBars):
        kept.objects.filter(stock_id__in=stock_ids).delete()
    return removed


def _progress(tell: Callable[[int, int], None] | None, before: int, total: int) -> Callable[[int], None]:
    def told(count: int) -> None:
        if tell is not None:
            tell(before + count, total)

    return told


def _compute(
    asked: Mapping[int, str],
    packs: Packs | None,
    *,
    is_whole: bool,
    as_of: date | None,
    anew: bool,
    today: date,
    progress: Callable[[int, int], None] | None,
    confirms: bool = False,
) -> _Done:
    """Compute market after market: one is worked out while the next is read and the one before is written.

    Raises:
        _CopiesAreBad: ``packs`` are likely ones which were to be confirmed, and not all are good.
    """
    done = _Done()
    waiting: deque[_Working] = deque()
    unconfirmed = packs if confirms else None
    with ThreadPoolExecutor(1) as thread:
        for name in sorted(set(asked.values())):
            bars = MarketBars(name, stocks_of(name), as_of=as_of, anew=anew, packs=packs)
            only = None if is_whole else {id_ for id_ in asked if asked[id_] == name}
            tell = _progress(progress, len(done.read), len(asked))
            waiting.append(_begin(bars, only, thread, today=today, progress=tell))
            done.read |= asked.keys() & waiting[-1].stocks
            if len(waiting) > 1:
                _confirm(unconfirmed)
                unconfirmed = None
                _end(waiting.popleft(), done)
        _confirm(unconfirmed)
        while waiting:
            _end(waiting.popleft(), done)
    return done


def _confirm(packs: Packs | None) -> None:
    """Raise _CopiesAreBad where some are."""
    if packs is not None and not are_good(packs):
        raise _CopiesAreBad


def _begin(
    bars: MarketBars,
    only: Collection[int] | None,
    thread: Executor,
    *,
    today: date,
    progress: Callable[[int], None],
) -> _Working:
    if bars.as_of is None:
        levels, has_changed = bars.levels_kept()
        only = None if has_changed else only
    else:
        levels = bars.levels()
    parts = bars.parts(levels, thread, today=today, only=only, done=progress)
    return _Working(bars.market, set(bars.stocks if only is None else only), parts)


def _end(working: _Working, done: _Done) -> None:
    parts = [part.result() for part in working.parts]
    # Before the others are ranked: who has no bars any more is no measure for anybody.
    computed = {id_ for part in parts for id_ in part.stocks.tolist()}
    done.computed |= computed
    done.removed += forget(set(working.stocks) - computed)
    written, rescored, has_sessions = store_parts(working.market, parts)
    done.written |= written
    done.rescored |= rescored
    done.has_sessions |= has_sessions


def _tell_planner() -> None:
    """Until the statistics know the rows, a screen would be planned as if there were one."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE stocks_latestindicators, stocks_recentindicators, stocks_stock")


def _select(codes: Sequence[str] | None, market: str | None) -> dict[int, str]:
    """The market of each stock that is asked for, by its id."""
    chosen = Stock.objects.order_by("id")
    market_exists(market)
    if market is not None:
        chosen = chosen.filter(market_id=market)
    if codes is not None:
        chosen = chosen.filter(code__in=codes)
    rows = list(chosen.values_list("id", "code", "market_id"))
    missing = set(codes or ()) - {code for _, code, _ in rows}
    if missing:
        raise StockNotFound(min(missing))
    return {id_: market_id for id_, _, market_id in rows}
