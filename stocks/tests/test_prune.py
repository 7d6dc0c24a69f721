"""`manage.py prune`: what is old goes, a bounded part at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from stocks.models import Fetched, JobRun, MinuteBar, NewsArticle, QuarantinedTick
from stocks.services import pruning
from stocks.services.pruning import prune, run_prune
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 4, 10, tzinfo=UTC)


def old(days: float, now: datetime = NOW) -> datetime:
    return now - timedelta(days=days)


def minute_bar(stock: Any, start: datetime) -> MinuteBar:
    prices = dict.fromkeys(("open", "high", "low", "close"), 1)
    moments = {"first_at": start, "last_at": start, "first_seq": 1, "last_seq": 1}
    return MinuteBar(stock=stock, start=start, source="test", **prices, **moments)


def article(number: int, published_at: datetime) -> NewsArticle:
    return NewsArticle.objects.create(
        url_hash=sha256(str(number).encode()).digest(),
        url=f"https://example.com/{number}",
        title="x",
        published_at=published_at,
        received_at=published_at,
        source="test",
    )


def run(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("prune", *options, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return summary


def test_it_works():
    now = timezone.now()
    stock = StockFactory.create()
    MinuteBar.objects.bulk_create([minute_bar(stock, old(days, now)) for days in (1, 59, 61, 400)])
    for number, days in enumerate((1, 364, 366)):
        article(number, old(days, now)).stocks.add(stock)
    Fetched.objects.create(name="news:AAPL", at=old(181, now))
    Fetched.objects.create(name="news:MSFT", at=old(179, now))
    for days in (1, 100):
        QuarantinedTick.objects.create(
            code=f"{days}", source="x", reason="x", received_at=old(days, now), status="discarded"
        )
    JobRun.objects.create(task="end_of_day", slot="a", status="done", started_at=old(31, now))
    JobRun.objects.create(task="end_of_day", slot="b", status="failed", started_at=old(29, now))
    counted = run("--dry-run")
    assert MinuteBar.objects.count() == 4
    summary = run()
    expected = {"minute_bars": 2, "news": 1, "fetched": 1, "quarantine": 1, "job_runs": 1}
    assert counted | expected == counted
    assert summary | expected == summary
    assert MinuteBar.objects.count() == NewsArticle.objects.count() == 2
    assert Fetched.objects.get().name == "news:MSFT"
    # The run of the command itself stands beside the one that is young enough.
    assert set(JobRun.objects.values_list("task", flat=True)) == {"end_of_day", "prune"}


def test_days_can_be_given():
    stock = StockFactory.create()
    now = timezone.now()
    MinuteBar.objects.bulk_create([minute_bar(stock, old(days, now)) for days in (1, 3, 5)])
    summary = run("--minute-bars", "4")
    assert (summary["minute_bars"], summary["kept_days"]["minute_bars"]) == (1, 4)
    assert run("--minute-bars", "0")["minute_bars"] == 2


def test_a_negative_number_of_days_is_refused():
    with pytest.raises(CommandError, match="0 or more"):
        run("--news=-1")


def test_much_goes_in_parts(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(pruning, "CHUNK", 10)
    stock = StockFactory.create()
    MinuteBar.objects.bulk_create(
        [minute_bar(stock, old(100) + timedelta(minutes=minute)) for minute in range(35)]
    )
    with django_assert_num_queries(5):
        assert prune(now=NOW, days={"minute_bars": 60}) == {"minute_bars": 35}
    assert not MinuteBar.objects.exists()


def test_polls_that_went_well_are_kept_for_a_day_and_what_runs_stays():
    rows = [
        ("poll_quotes", "done", 2),
        ("poll_quotes", "failed", 2),
        ("poll_quotes", "done", 0.5),
        ("end_of_day", "done", 2),
        ("backfill", "running", 1),
        ("backfill", "running", 40),
    ]
    for number, (task, status, days) in enumerate(rows):
        JobRun.objects.create(task=task, slot=str(number), status=status, started_at=old(days))
    assert prune(now=NOW, days={"job_runs": 30}) == {"job_runs": 1}
    kept = {row.slot: (row.status, row.errors) for row in JobRun.objects.all()}
    assert set(kept) == {"1", "2", "3", "4", "5"}
    assert kept["4"] == ("running", [])
    assert kept["5"] == ("failed", ["its process ended without a word"])


def test_the_schedule_prunes_once_a_day():
    assert run_prune(now=NOW) is not None
    assert run_prune(now=NOW + timedelta(hours=3)) is None
    assert run_prune(now=NOW + timedelta(days=1)) is not None
    assert set(JobRun.objects.values_list("status", flat=True)) == {"done"}
