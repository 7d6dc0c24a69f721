"""Runs of scheduled tasks and data commands: once per slot, with what they did and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from stocks.models import JobRun
from stocks.outages import OUTAGES
from stocks.providers.errors import ProviderError

MAX_ERRORS = 20
MAX_CHARACTERS = 300

# The row is the claim: whoever inserts it runs. One that is older than any run may last was left by a process
# that died, and whoever comes next takes it over.
_CLAIM = """
INSERT INTO stocks_jobrun AS run (task, slot, status, started_at, counts, errors)
VALUES (%(task)s, %(slot)s, 'running', %(now)s, '{}', '[]')
ON CONFLICT (task, slot) DO UPDATE SET started_at = excluded.started_at
  WHERE run.status = 'running' AND run.started_at < %(dead)s
RETURNING id
"""


@dataclass
class Run:
    """A run that is ours. ``counts`` and the first ``errors`` are stored when it ends."""

    id: int
    started_at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    has_failed: bool = False

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] += number

    def error(self, text: str) -> None:
        """Note what went wrong; beyond the first ones only their number is kept."""
        self.counts["errors"] += 1
        self.note(text)

    def note(self, text: str) -> None:
        """Note what people should know, which is no error of ours; the same words once."""
        line = " ".join(text.split())[:MAX_CHARACTERS]
        if len(self.errors) < MAX_ERRORS and line not in self.errors:
            self.errors.append(line)

    def fail(self, text: str) -> None:
        """Note what kept the run from its work; it ends as failed."""
        self.error(text)
        self.has_failed = True


@contextmanager
def job_run(
    *, task: str, slot: str, now: datetime | None = None, time_limit: timedelta | None = None
) -> Iterator[Run | None]:
    """Claim ``(task, slot)``; yields None where another run has it or had it.

    To be entered outside of any transaction, so that everybody sees the claim. What the block raises is
    noted, and raised.

    Args:
        task: what runs.
        slot: what it runs for: two beats and a task that is delivered again name the same one.
        time_limit: how long a run may last at most; that of Celery's tasks where None.
    """
    now = now or timezone.now()
    limit = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT) if time_limit is None else time_limit
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"task": task, "slot": slot, "now": now, "dead": now - limit})
        row = cursor.fetchone()
    if row is None:
        yield None
        return
    run = Run(row[0], now)
    try:
        yield run
    except BaseException as error:
        run.fail(_described(error))
        # Where the database is away as well, the row is taken over by its age.
        with suppress(*OUTAGES):
            _finish(run)
        raise
    _finish(run)


def slot_of(now: datetime, seconds: int) -> str:
    """The slot of ``seconds`` that a moment lies in, by UTC: no clock change makes two of it, or none."""
    start = int(now.timestamp()) // seconds * seconds
    return f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _finish(run: Run) -> None:
    """Store how it ended, unless somebody else has taken it over meanwhile."""
    status = JobRun.Status.FAILED if run.has_failed else JobRun.Status.DONE
    mine = JobRun.objects.filter(id=run.id, status=JobRun.Status.RUNNING, started_at=run.started_at)
    mine.update(status=status, finished_at=timezone.now(), counts=dict(run.counts), errors=run.errors)


def _described(error: BaseException) -> str:
    if isinstance(error, ProviderError):
        return error.message
    return f"{type(error).__name__}: {error}"
