"""Bars from the providers for many stocks: asked for one by one, stored in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

from django.db import transaction

from stocks.dataset import bump_version, claim
from stocks.models import Dataset
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.protocol import Capability
from stocks.selectors.loaded import Loaded
from stocks.services.asking import Asker, Stopped, is_live
from stocks.services.bars import check_fetched, store_bars
from stocks.services.fetched import SETTLED, asked_since, remember, remember_absent, runs
from stocks.services.jobs import Run
from stocks.services.loading_reports import ACTIONS_BACK, Done, load_actions, nobody_watches
from stocks.sessions import schedule
from stocks.types import Bar

#: Stocks whose bars are written together; as many calls are lost where a process dies in between.
CHUNK = 25
#: Days before a gap that are asked for as well: stored bars there show whether both are on one share basis.
OVERLAP = timedelta(days=9)
#: A step between two closes that looks more like a split than like a day of trading.
SPLIT_LIKE = 1.3


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bars of a stock that are asked for in one call: ``start`` to ``end`` inclusive."""

    stock: Loaded
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class _Got:
    wanted: Wanted
    bars: Sequence[Bar]
    source: str


def load_bars(
    wanted: Iterable[Wanted],
    *,
    run: Run,
    asker: Asker,
    now: datetime,
    replace: bool = False,
    done: Done = nobody_watches,
) -> None:
    """Ask for bars and store them, with the corporate actions that explain their steps.

    Each chunk is one transaction, which raises the version of the data where it changed any. A provider that
    is stopped leaves its stocks for another run (``left``). So do bars of a long span, or that move like a
    split, as long as nobody could be asked about splits: no reader meets the step without its reason. What
    was asked for and is not there is remembered, once it can no longer be merely late.

    Args:
        wanted: in the order in which they are asked.
        run: counts what became of them.
        asker: keeps to quotas and time.
        now: the time of the run.
        replace: let the provider's bars replace stored ones of other sources.
        done: called with the number of calls settled so far.
    """
    todo = iter(wanted)
    settled = 0
    while chunk := list(islice(todo, CHUNK)):
        got = [answer for one in chunk if (answer := _explained(one, run, asker, now)) is not None]
        _store(got, run, now, replace=replace)
        settled += len(chunk)
        done(settled)


def _explained(wanted: Wanted, run: Run, asker: Asker, now: datetime) -> _Got | None:
    """The bars of a stock, with the actions of their time in the database first; None where there are none.

    A long span may hold a split that no step gives away, so it is asked about splits before it costs a call
    for bars.
    """
    code = wanted.stock.code
    is_long = wanted.start < (now - ACTIONS_BACK).date()
    unclear = is_long and code not in asked_since("actions", wanted.start, codes=[code], now=now)
    if unclear and not _ask_actions(wanted, run, asker, now):
        return None
    got = _ask(wanted, run, asker, now)
    if got is None or not has_split_like_step(got.bars):
        return got
    run.count("steps")
    return got if unclear or _ask_actions(wanted, run, asker, now) else None


def _ask_actions(wanted: Wanted, run: Run, asker: Asker, now: datetime) -> bool:
    """Bring the actions of the time in; False where they could not be asked for now."""
    if not is_live(Capability.ACTIONS):
        return True
    if load_actions([wanted.stock], run=run, asker=asker, now=now, start=wanted.start):
        return True
    run.count("left")
    return False


def _ask(wanted: Wanted, run: Run, asker: Asker, now: datetime) -> _Got | None:
    stock = wanted.stock
    start = wanted.start
    if stock.first is not None and stock.first < start:
        start = max(stock.first, start - OVERLAP)
    try:
        answer = asker.about(
            Capability.HISTORY, stock.key, lambda mesh: mesh.daily_bars(stock.key, start, wanted.end)
        )
    except Stopped as stop:
        run.note(stop.reason)
        run.count("left")
        return None
    except (NotFound, NotOffered):
        run.count("missing")
        remember("bars", [stock.code], at=now, missing=True)
        return None
    except ProviderError as error:
        run.error(f"{stock.code}: {error.message}")
        return None
    run.count("asked")
    days = schedule(stock.calendar).sessions(start, wanted.end)
    checked = check_fetched(
        stock.code, answer.value, start=start, end=wanted.end, sessions=days, today=now.date()
    )
    for why in checked.refused:
        run.count("refused")
        run.note(why)
    return _Got(wanted, checked.bars, answer.source)


def _store(got: Sequence[_Got], run: Run, now: datetime, *, replace: bool) -> None:
    if not got:
        return
    with transaction.atomic():
        claim(Dataset.Origin.REAL)
        changed = False
        for one in got:
            stored = store_bars(one.wanted.stock.id, one.bars, source=one.source, replace=replace)
            changed |= stored.changed
            for name in ("inserted", "corrected", "unchanged", "differing"):
                run.count(name, getattr(stored, name))
            if stored.other_basis:
                run.count("other_basis")
                run.note(f"{one.wanted.stock.code}: the stored bars are on another share basis")
        remember("bars", [one.wanted.stock.code for one in got], at=now)
        remember_absent({one.wanted.stock.code: _absent(one, now) for one in got}, at=now)
        if changed:
            bump_version()


def _absent(got: _Got, now: datetime) -> list[tuple[date, date]]:
    """The spans of asked sessions without a bar that are too old to be merely late."""
    last = min(got.wanted.end, (now - SETTLED).date())
    sessions = schedule(got.wanted.stock.calendar).sessions(got.wanted.start, last)
    return runs(set(sessions) - {bar.date for bar in got.bars}, sessions)


def has_split_like_step(bars: Sequence[Bar]) -> bool:
    """Whether the close moves between two neighbours as far as a split would move it."""
    closes = [float(bar.close) for bar in bars]
    return any(max(before, after) > SPLIT_LIKE * min(before, after) for before, after in pairwise(closes))
