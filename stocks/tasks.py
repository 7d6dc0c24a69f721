"""Scheduled work of the stocks app: doors to the services, which run once per slot however often called."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from stocks.compute import spread
from stocks.providers.sandbox import NAME
from stocks.refresh import follows, indicators_refresh
from stocks.sandbox_fill import fill_sandbox
from stocks.services import end_of_day, fx_schedule, market_status, polling, pruning


@shared_task
def roll_sandbox() -> None:
    """Add the sessions that have finished since the last time, where the sandbox is served."""
    if NAME in settings.MARKET_DATA:
        fill_sandbox()


@shared_task
def compute_latest_indicators() -> None:
    """Bring the indicators up to the data; where workers are at it together, see that they get to the end."""
    work = spread.unfinished(now=timezone.now())
    if work is None:
        indicators_refresh()
    else:
        hand_out(work)


@shared_task
def spread_indicators(market: str | None = None) -> None:
    """Compute all indicators of a market, or of all, in chunks that workers take."""
    hand_out(spread.start_run(now=timezone.now(), market=market))


@shared_task
def compute_indicator_chunk(run: str, number: int) -> None:
    """Work out one chunk of a run; whoever ends the last one has it published."""
    if spread.compute_chunk(UUID(run), number):
        publish_indicators.delay(run)


@shared_task
def publish_indicators(run: str) -> None:
    """Write down what a run has found, once and together."""
    published = spread.publish_run(UUID(run))
    if published is not None and published.is_whole:
        follows(published.data_version)


def hand_out(work: spread.Work) -> None:
    """Put the chunks of a run on the queue, or its publication where none is missing."""
    for number in work.chunks:
        compute_indicator_chunk.delay(str(work.run), number)
    if work.is_there:
        publish_indicators.delay(str(work.run))


@shared_task(time_limit=30, soft_time_limit=25)
def poll_quotes() -> None:
    """Ask for the prices of the markets that trade now."""
    polling.poll_quotes(now=timezone.now())


@shared_task(time_limit=60, soft_time_limit=55)
def tell_market_statuses() -> None:
    """Tell the rooms of markets whose trading has begun or ended."""
    market_status.publish_market_statuses(now=timezone.now())


@shared_task(time_limit=540, soft_time_limit=500)
def load_end_of_day() -> None:
    """Load the bars of closed sessions, and what companies announced and filed."""
    end_of_day.run_end_of_day(now=timezone.now())


@shared_task(time_limit=300, soft_time_limit=270)
def refresh_fx() -> None:
    """Ask for the exchange rates between the currencies of our markets."""
    fx_schedule.run_fx(now=timezone.now())


@shared_task
def prune_old_rows() -> None:
    """Delete what is older than it is kept."""
    pruning.run_prune(now=timezone.now())
