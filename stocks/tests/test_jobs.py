"""Runs: once per slot, with what they did and what went wrong."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from stocks.models import JobRun
from stocks.providers.errors import Upstream
from stocks.services.jobs import MAX_ERRORS, job_run, slot_of

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_it_works():
    with job_run(task="poll", slot="a", now=NOW) as run:
        assert run is not None
        (row,) = JobRun.objects.all()
        assert (row.task, row.slot, row.status, row.started_at) == ("poll", "a", "running", NOW)
        run.count("asked")
        run.count("asked", 2)
        run.error("a line\n  of two")
    row.refresh_from_db()
    assert row.status == "done"
    assert row.counts == {"asked": 3, "errors": 1}
    assert row.errors == ["a line of two"]
    assert row.finished_at is not None and row.finished_at >= NOW


def test_a_slot_runs_once_and_the_next_one_again():
    for slot in ("a", "a", "b"):
        with job_run(task="poll", slot=slot, now=NOW):
            pass
    assert sorted(JobRun.objects.values_list("slot", flat=True)) == ["a", "b"]
    with job_run(task="poll", slot="a", now=NOW) as run:
        assert run is None
    with job_run(task="other", slot="a", now=NOW) as run:
        assert run is not None


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_one_runs():
    together = threading.Barrier(16)
    ran: list[bool] = []

    def begin() -> None:
        try:
            connection.ensure_connection()
            together.wait(timeout=30)
            with job_run(task="poll", slot="a") as run:
                ran.append(run is not None)
        finally:
            connection.close()

    threads = [threading.Thread(target=begin) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(ran) == [False] * 15 + [True]
    assert JobRun.objects.get().status == "done"


def test_what_ends_a_run_is_noted_and_raised():
    with pytest.raises(ZeroDivisionError), job_run(task="poll", slot="a", now=NOW) as run:
        assert run is not None
        run.count("asked")
        1 / 0  # noqa: B018
    row = JobRun.objects.get()
    assert (row.status, row.counts) == ("failed", {"asked": 1, "errors": 1})
    assert row.errors == ["ZeroDivisionError: division by zero"]


def test_an_error_of_a_provider_stands_there_in_its_own_words():
    with pytest.raises(Upstream), job_run(task="poll", slot="a", now=NOW):
        raise Upstream("yahoo: HTTP 500")
    assert JobRun.objects.get().errors == ["yahoo: HTTP 500"]


def test_a_failed_slot_is_not_run_again():
    with pytest.raises(Upstream), job_run(task="poll", slot="a", now=NOW):
        raise Upstream("broken")
    with job_run(task="poll", slot="a", now=NOW + timedelta(days=1)) as run:
        assert run is None


def test_only_the_first_errors_are_kept_and_all_are_counted():
    with job_run(task="poll", slot="a", now=NOW) as run:
        assert run is not None
        for number in range(50):
            run.error(f"{number} " + "x" * 1000)
    row = JobRun.objects.get()
    assert len(row.errors) == MAX_ERRORS
    assert row.counts == {"errors": 50}
    assert max(map(len, row.errors)) == 300


def test_what_a_dead_process_left_is_taken_over_after_the_longest_time_that_a_run_may_take():
    JobRun.objects.create(task="poll", slot="a", started_at=NOW)
    limit = timedelta(minutes=30)
    with job_run(task="poll", slot="a", now=NOW + limit, time_limit=limit) as run:
        assert run is None
    later = NOW + limit + timedelta(seconds=1)
    with job_run(task="poll", slot="a", now=later, time_limit=limit) as run:
        assert run is not None
    row = JobRun.objects.get()
    assert (row.status, row.started_at) == ("done", later)


def test_a_run_that_was_taken_over_says_no_more():
    with job_run(task="poll", slot="a", now=NOW) as slow:
        assert slow is not None
        with job_run(task="poll", slot="a", now=NOW + timedelta(days=1)) as other:
            assert other is not None
            other.count("asked", 7)
        slow.count("asked", 1)
    assert JobRun.objects.get().counts == {"asked": 7}


def test_slots_follow_utc_whatever_clocks_do():
    # In this hour clocks of New York are put back: local time says 01:30 twice.
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert slot_of(first, 600) == "2026-11-01T05:30:00Z"
    assert slot_of(second, 600) == "2026-11-01T06:30:00Z"
    assert slot_of(second + timedelta(seconds=599, milliseconds=999), 600) == slot_of(second, 600)
