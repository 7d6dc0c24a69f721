from __future__ import annotations

import pytest
from celery import current_app

from stocks import tasks
from stocks.dataset import bump_version
from stocks.models import DailyBar, Dataset, JobRun, LatestIndicators, Stock
from stocks.refresh import indicators_refresh
from stocks.tests.factories import StockFactory, bars

pytestmark = pytest.mark.django_db


def _change() -> float | None:
    (change,) = LatestIndicators.objects.values_list("change_1d", flat=True)
    return change


def test_the_schedule_names_tasks_that_exist():
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    ours = {name for name in scheduled if name.startswith("stocks.")}
    assert ours == {
        tasks.roll_sandbox.name,
        tasks.compute_latest_indicators.name,
        tasks.poll_quotes.name,
        tasks.tell_market_statuses.name,
        tasks.load_end_of_day.name,
        tasks.refresh_fx.name,
        tasks.prune_old_rows.name,
    }


def test_no_task_runs_longer_than_the_broker_waits_for_it(settings):
    current_app.loader.import_default_modules()
    waits = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    for entry in current_app.conf.beat_schedule.values():
        task = current_app.tasks[entry["task"]]
        assert (task.time_limit or settings.CELERY_TASK_TIME_LIMIT) < waits
        assert entry.get("options", {}).get("expires", 0) < waits


@pytest.mark.parametrize("names", [[], ["sandbox"]])
def test_what_asks_providers_does_nothing_without_a_provider_of_real_data(settings, redis_client, names):
    StockFactory.create()
    settings.MARKET_DATA = names
    for task in (tasks.poll_quotes, tasks.load_end_of_day, tasks.refresh_fx):
        task()
    assert not JobRun.objects.exists()


def test_old_rows_are_deleted_once_a_day(redis_client):
    tasks.prune_old_rows()
    tasks.prune_old_rows()
    assert JobRun.objects.get().task == "prune"


def test_without_the_sandbox_nothing_is_invented(settings):
    settings.MARKET_DATA = []
    tasks.roll_sandbox()
    assert not Stock.objects.exists()
    assert Dataset.objects.get().origin == "empty"


def test_with_the_sandbox_the_missing_sessions_are_added(settings, monkeypatch):
    settings.MARKET_DATA = ["sandbox"]
    from stocks.providers.sandbox import Sandbox

    monkeypatch.setattr("stocks.sandbox_fill.service.Sandbox", lambda: Sandbox(stocks_per_market=20))
    tasks.roll_sandbox()
    assert DailyBar.objects.filter(stock__code="005930").exists()


def test_indicators_follow_when_the_data_have_changed(redis_client):
    stock = StockFactory.create()
    bars(stock, [("2024-11-07", 100), ("2024-11-08", 110)])
    bump_version()
    tasks.compute_latest_indicators()
    assert _change() == pytest.approx(10)

    bars(stock, [("2024-11-11", 55)])
    bump_version()
    tasks.compute_latest_indicators()
    assert _change() == pytest.approx(-50)


def test_unchanged_data_cost_no_computation(redis_client):
    bars(StockFactory.create(), [("2024-11-07", 100), ("2024-11-08", 110)])
    bump_version()
    assert indicators_refresh()
    assert not indicators_refresh()
    bump_version()
    assert indicators_refresh()


def test_what_changes_while_it_is_computed_is_computed_again(redis_client, monkeypatch):
    stock = StockFactory.create()
    bars(stock, [("2024-11-07", 100), ("2024-11-08", 110)])
    bump_version()
    from stocks import refresh

    compute = refresh.compute_indicators

    def and_then_something_is_loaded():
        compute()
        bars(stock, [("2024-11-11", 55)])
        bump_version()

    monkeypatch.setattr(refresh, "compute_indicators", and_then_something_is_loaded)
    assert indicators_refresh()
    monkeypatch.setattr(refresh, "compute_indicators", compute)
    assert indicators_refresh()
    assert _change() == pytest.approx(-50)


def test_a_lost_cache_costs_one_computation(redis_client):
    bars(StockFactory.create(), [("2024-11-07", 100), ("2024-11-08", 110)])
    bump_version()
    assert indicators_refresh()
    redis_client.flushdb()
    assert indicators_refresh()
    assert not indicators_refresh()
