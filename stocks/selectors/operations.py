"""How the pipeline did, for the people who run it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from stocks.models import JobRun, QuarantinedTick

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JobHealth:
    """A task: when it last ended well (None: never), and how its runs of the last 24 hours ended."""

    task: str
    succeeded_at: datetime | None
    done: int
    failed: int
    running: int


def job_healths(*, now: datetime) -> list[JobHealth]:
    """Every task that ever ran, by name, in one query."""
    recent = Q(started_at__gt=now - DAY)
    done, failed, running = (Q(status=status) for status in ("done", "failed", "running"))
    jobs = (
        JobRun.objects.order_by("task")
        .values("task")
        .annotate(
            last=Max("finished_at", filter=done),
            well=Count("id", filter=done & recent),
            badly=Count("id", filter=failed & recent),
            still=Count("id", filter=running & recent),
        )
    )
    return [JobHealth(*row) for row in jobs.values_list("task", "last", "well", "badly", "still")]


def held_prices() -> int:
    """How many prices wait in quarantine."""
    return QuarantinedTick.objects.filter(status=QuarantinedTick.Status.HELD).count()
