"""Loads beside other loads, and loads that are ended from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from stocks.models import DailyBar, Dataset, LoadedFile
from stocks.tests.loading_cases import assert_adds_up, counts, list_stocks, version, write

pytestmark = pytest.mark.django_db(transaction=True)

CODES = [f"{number:06d}" for number in range(20)]
PATIENCE = 60.0


def start(path: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "load_prices", str(path), *options],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def database_url() -> str:
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"


def summary_of(process: subprocess.Popen[str]) -> dict:
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    summary = json.loads(out.splitlines()[-1])
    assert_adds_up(summary)
    return summary


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def bars_file(path: Path, close: int) -> Path:
    days = [f"2025-{month:02d}-{day:02d}" for month in range(1, 7) for day in range(1, 29)]
    return write(path, *(f"{code},{day},{close},{close},{close},{close},1" for code in CODES for day in days))


def is_waiting(for_what: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [f"%{for_what}%"])
        return cursor.fetchone()[0] > 0


def sessions_of_others() -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_of_two_loads_of_one_file_at_once_one_loads_it_and_one_skips_it(tmp_path):
    list_stocks(*CODES)
    path = bars_file(tmp_path / "x.csv", 100)
    summaries = [summary_of(process) for process in [start(path), start(path)]]
    skipped = [summary for summary in summaries if "skipped" in summary]
    assert len(skipped) == 1
    assert sorted(counts(summary) for summary in summaries) == [(0, 0, 3360, 0), (3360, 0, 0, 0)]
    assert DailyBar.objects.count() == 3360
    assert version() == 1


def test_loads_of_different_values_for_the_same_days_come_one_after_the_other(tmp_path):
    list_stocks(*CODES)
    paths = [bars_file(tmp_path / f"{close}.csv", close) for close in (100, 101, 102)]
    summaries = [summary_of(process) for process in [start(path) for path in paths]]
    assert sorted(counts(summary) for summary in summaries) == [
        *[(0, 3360, 0, 0), (0, 3360, 0, 0), (3360, 0, 0, 0)]
    ]
    assert DailyBar.objects.values("close").distinct().count() == 1


def test_a_load_that_waits_says_so(tmp_path):
    list_stocks(*CODES)
    with psycopg.connect(database_url(), autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(hashtext('stocks_loading'))")
        process = start(bars_file(tmp_path / "x.csv", 100))
        wait_until(lambda: is_waiting("pg_advisory_xact_lock"))
        lock.execute("SELECT pg_advisory_unlock(hashtext('stocks_loading'))")
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert errors.splitlines() == ["Another load is running; waiting for its end."]


@pytest.mark.parametrize(("blow", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_load_that_is_ended_after_its_rows_are_written_leaves_nothing(tmp_path, blow, code):
    list_stocks(*CODES)
    with psycopg.connect(database_url()) as lock:
        # The load's last statement waits for this table; by then all of its rows are in.
        lock.execute("LOCK TABLE stocks_loadedfile IN ACCESS EXCLUSIVE MODE")
        process = start(bars_file(tmp_path / "x.csv", 100), "--force")
        wait_until(lambda: is_waiting("stocks_loadedfile"))
        process.send_signal(blow)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        lock.rollback()
    wait_until(lambda: sessions_of_others() == 0)
    assert not DailyBar.objects.exists()
    assert not LoadedFile.objects.exists()
    assert Dataset.objects.get().origin == "empty"


def test_readers_see_nothing_of_a_load_before_its_end(tmp_path):
    list_stocks(*CODES)
    path = bars_file(tmp_path / "x.csv", 100)
    summary_of(start(path))
    with psycopg.connect(database_url()) as lock:
        lock.execute("LOCK TABLE stocks_loadedfile IN ACCESS EXCLUSIVE MODE")
        process = start(bars_file(tmp_path / "y.csv", 101), "--force")
        wait_until(lambda: is_waiting("stocks_loadedfile"))
        assert set(DailyBar.objects.values_list("close", flat=True)) == {100}
        assert version() == 1
        lock.rollback()
        assert counts(summary_of(process)) == (0, 3360, 0, 0)
    assert set(DailyBar.objects.values_list("close", flat=True)) == {101}
    assert version() == 2
