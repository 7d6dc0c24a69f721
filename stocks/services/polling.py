"""Prices of open markets, asked for in turn: what people watch and hold first, then all the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import redis
from django.utils import timezone

from realtime.redis import worker_client
from stocks import stream
from stocks.interest import urgent_codes
from stocks.models import Market, Stock
from stocks.providers.errors import NotFound, NotOffered
from stocks.providers.mesh.mesh import SINGLE_CALLS, mesh
from stocks.providers.mesh.quota import scheduled_work
from stocks.providers.protocol import Capability, HasQuotes, Update
from stocks.providers.registry import configured, quotas_of, refuse_mixture
from stocks.services.asking import is_live
from stocks.services.fetch_quotes import hand_on
from stocks.services.jobs import Run, job_run, slot_of
from stocks.services.pacing import calls_of_slot
from stocks.sessions import schedule
from stocks.types import StockKey

#: Seconds between two polls.
SLOT_SECONDS = 10
#: No batch begins later than this within a slot, so that slots do not run into each other.
RUN_SECONDS = 7.0
#: A price that came within this time, from a stream or a poll, is not asked for again.
URGENT_AFTER, OTHERS_AFTER = timedelta(seconds=9), timedelta(seconds=60)
#: For this long a stock that no provider has a price of is left out.
MISSING_SECONDS = 600
#: The most stocks that one slot asks one provider about where no quota bounds it.
MAX_STOCKS = 500
#: When each stock was asked about last (or, of one without a price, may be again), in Unix seconds.
ASKED = "stocks:polled"
TASK = "poll_quotes"


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: StockKey
    urgent: bool
    asked_at: float


def poll_quotes(*, now: datetime) -> Run | None:
    """Ask for prices of the stocks of every market that trades at ``now``; once per slot.

    Each provider is asked for as many as its share of the slot admits, and no stock whose price came a moment
    ago. Where no market trades, nothing is done. Raises SandboxAndRealData.
    """
    if not is_live(Capability.QUOTES):
        return None
    markets = trading_markets(now)
    if not markets:
        return None
    refuse_mixture()
    due = _by_provider(_due(markets, now))
    if not due:
        return None
    with job_run(task=TASK, slot=slot_of(now, SLOT_SECONDS), now=now) as run:
        if run is None:
            return None
        until = time.monotonic() + RUN_SECONDS
        for name, keys in due.items():
            _poll(name, keys, now, until, run)
        _trim(run)
    return run


def trading_markets(now: datetime) -> list[str]:
    """The markets whose calendar says that they trade at ``now``."""
    markets = Market.objects.order_by("code").values_list("code", "calendar")
    return [code for code, calendar in markets if schedule(calendar).is_trading(now)]


def _due(markets: Sequence[str], now: datetime) -> list[_Candidate]:
    """The stocks to ask about, the most urgent first, then those that were asked longest ago."""
    asked: Any = worker_client().zrange(ASKED, 0, -1, withscores=True)
    asked_at = {code.decode(): float(score) for code, score in asked}
    urgent = frozenset(urgent_codes())
    seconds = now.timestamp()
    rows = Stock.objects.filter(is_active=True, market_id__in=markets).order_by()
    found = []
    for code, market, currency, received_at in rows.values_list(
        "code", "market_id", "currency", "quote__received_at"
    ):
        pause = URGENT_AFTER if code in urgent else OTHERS_AFTER
        at = asked_at.get(code, 0.0)
        if seconds - at < pause.total_seconds() or (received_at and now - received_at < pause):
            continue
        found.append(_Candidate(StockKey(code, market, currency), code in urgent, at))
    return sorted(found, key=lambda one: (not one.urgent, one.asked_at, one.key.code))


def _by_provider(due: Sequence[_Candidate]) -> Mapping[str, list[StockKey]]:
    """The stocks under the provider that should answer; those that none covers are left out."""
    found: dict[str, list[StockKey]] = {}
    for one in due:
        if (name := mesh().first(Capability.QUOTES, one.key)) is not None:
            found.setdefault(name, []).append(one.key)
    return found


def _poll(name: str, due: Sequence[StockKey], now: datetime, until: float, run: Run) -> None:
    """Ask one provider, batch by batch, as far as its share of this slot, its quota and the time go."""
    batch = cast(HasQuotes, configured()[name]).quote_batch
    size = batch if batch > 1 else SINGLE_CALLS
    for part in _parts(due[: _share(name, batch, now)], size):
        if time.monotonic() > until:
            run.count("left", len(part))
            return
        codes = [key.code for key in part]
        _mark(codes, now.timestamp())
        with scheduled_work():
            quoted = mesh().quotes(part)
        believed = hand_on(Update(ticks=tuple(quoted.ticks.values())), now=timezone.now())
        missing = [code for code, error in quoted.errors.items() if isinstance(error, NotFound | NotOffered)]
        _mark(missing, now.timestamp() + MISSING_SECONDS)
        run.count("asked", len(part))
        run.count("ticks", len(believed.ticks))
        run.count("held", len(quoted.ticks) - len(believed.ticks))
        run.count("missing", len(missing))
        failed = {code: error for code, error in quoted.errors.items() if code not in missing}
        if failed:
            run.count("failed", len(failed))
            run.error(next(iter(failed.values())).message)
        if len(failed) == len(part):
            # Nobody could answer for any of them: nobody will for the next.
            return


def _share(name: str, batch: int, now: datetime) -> int:
    """How many stocks this slot may ask a provider about.

    A provider may have quotas of other kinds, such as one for tokens: that of prices is the widest.
    """
    slot = int(now.timestamp()) // SLOT_SECONDS
    shares = [calls_of_slot(slot, SLOT_SECONDS, quota.rates) for quota in quotas_of(name)]
    calls = [share for share in shares if share is not None]
    return min(max(calls) * batch, MAX_STOCKS) if calls else MAX_STOCKS


def _mark(codes: Sequence[str], at: float) -> None:
    """Note when stocks were asked about; before the call, so that a run beside this one takes others."""
    if codes:
        worker_client().zadd(ASKED, dict.fromkeys(codes, at))


def _parts(keys: Sequence[StockKey], size: int) -> Iterator[Sequence[StockKey]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _trim(run: Run) -> None:
    """Cut what was read off the stream, which nobody else does where no provider streams."""
    try:
        stream.ensure_groups(worker_client())
        stream.trim(worker_client())
    except (redis.RedisError, stream.StreamFull) as error:
        run.error(f"the stream is not trimmed: {error}")
