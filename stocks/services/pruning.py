"""What is old is deleted, a bounded part at a time, so that nobody waits for a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from accounts.services.sessions import sessions_prune
from stocks.models import JobRun, NewsArticle
from stocks.services.jobs import Run, job_run

CHUNK = 5000
#: No run lasts so long: its process ended without a word.
DEAD_AFTER = timedelta(days=2)
NEWS, SESSIONS, JOB_RUNS = "news", "sessions", "job_runs"

# Tables to whose rows nothing refers, and which of them are old. Polls leave a row every few seconds; those
# that went well are of no use after a day.
_OLD: Mapping[str, tuple[str, str]] = {
    "minute_bars": ("stocks_minutebar", "start < %(before)s"),
    JOB_RUNS: (
        "stocks_jobrun",
        "status <> 'running' AND started_at < %(before)s"
        " OR status = 'done' AND task = 'poll_quotes' AND started_at < %(now)s - interval '1 day'",
    ),
    "quarantine": ("stocks_quarantinedtick", "received_at < %(before)s"),
    "fetched": ("stocks_fetched", "at < %(before)s"),
    "requests": ("accounts_loggedrequest", "at < %(before)s"),
    "usage": ("accounts_usage", "day < (%(before)s AT TIME ZONE 'UTC')::date"),
    # What nobody was told of yet stays, however old.
    "order_events": ("billing_orderevent", "sent_at < %(before)s"),
    "gateway_events": ("billing_gatewayevent", "received_at < %(before)s"),
}
#: What is pruned, in this order; the days come from ``settings.PRUNE_AFTER_DAYS``.
KINDS = (*_OLD, NEWS, SESSIONS)


def prune(*, now: datetime, days: Mapping[str, int], dry_run: bool = False) -> dict[str, int]:
    """Delete what is older than its ``days`` by kind, each part in a transaction of its own.

    Returns how many rows of each kind; a kind without days is left alone. With ``dry_run`` rows are counted
    and kept, and sign-in sessions are not counted.
    """
    deleted: dict[str, int] = {}
    for kind in KINDS:
        if kind not in days:
            continue
        kept = timedelta(days=days[kind])
        if kind == SESSIONS:
            deleted[kind] = 0 if dry_run else sessions_prune(now=now, kept=kept)
        elif kind == NEWS:
            deleted[kind] = _prune_news(now - kept, dry_run=dry_run)
        else:
            deleted[kind] = _prune_table(*_OLD[kind], {"before": now - kept, "now": now}, dry_run=dry_run)
    if JOB_RUNS in days and not dry_run:
        _end_dead_runs(now)
    return deleted


def run_prune(*, now: datetime) -> Run | None:
    """``prune`` as scheduled: once a day, with the days of the settings."""
    with job_run(task="prune", slot=f"{now:%Y-%m-%d}", now=now) as run:
        if run is not None:
            run.counts.update(prune(now=now, days=kept_days()))
    return run


def kept_days(**given: int | None) -> dict[str, int]:
    """The days of every kind: those given, else the setting's."""
    return {**settings.PRUNE_AFTER_DAYS, **{kind: days for kind, days in given.items() if days is not None}}


def _end_dead_runs(now: datetime) -> None:
    """Mark runs whose process ended without a word as failed."""
    JobRun.objects.filter(status=JobRun.Status.RUNNING, started_at__lt=now - DEAD_AFTER).update(
        status=JobRun.Status.FAILED, finished_at=now, errors=["its process ended without a word"]
    )


def _prune_table(table: str, condition: str, values: Mapping[str, datetime], *, dry_run: bool) -> int:
    # Names and conditions are the constants above.
    chunk = f"SELECT ctid FROM {table} WHERE {condition} LIMIT {CHUNK} FOR UPDATE SKIP LOCKED"  # noqa: S608
    delete = f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({chunk}))"  # noqa: S608
    count = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        if dry_run:
            cursor.execute(count, values)
            return int(cursor.fetchone()[0])

        def delete_chunk() -> int:
            cursor.execute(delete, values)
            return cursor.rowcount

        return sum(_chunks(delete_chunk))


def _prune_news(before: datetime, *, dry_run: bool) -> int:
    old = NewsArticle.objects.filter(published_at__lt=before).order_by()
    if dry_run:
        return old.count()

    def delete_chunk() -> int:
        with transaction.atomic():
            ids = list(old.values_list("id", flat=True)[:CHUNK])
            # With the rows that say which stocks they are about.
            NewsArticle.objects.filter(id__in=ids).delete()
        return len(ids)

    return sum(_chunks(delete_chunk))


def _chunks(delete: Callable[[], int]) -> Iterator[int]:
    while number := delete():
        yield number
