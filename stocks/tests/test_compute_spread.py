"""A computation in chunks leaves what one process leaves, whoever dies and whoever comes twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from stocks import tasks
from stocks.compute import compute_indicators, spread
from stocks.dataset import bump_version
from stocks.errors import MarketNotFound
from stocks.models import DailyBar, IndicatorChunk, IndicatorRun, LatestIndicators, RecentIndicators
from stocks.refresh import indicators_refresh
from stocks.tests.bar_cases import add_bars, make_stock
from stocks.tests.compute_cases import all_rows
from stocks.tests.indicator_cases import walk
from stocks.tests.test_compute_sessions import recent_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven stocks of two markets, one of them without bars, in chunks of two."""
    for module in ("reading", "market", "spread"):
        monkeypatch.setattr(f"stocks.compute.{module}.CHUNK", 2)
    for number in range(1, 7):
        stock = make_stock(f"00000{number}", market_id="KOSPI" if number < 4 else "KOSDAQ")
        add_bars(stock, walk(270, seed=number))
    make_stock("000009")


def start(**options: Any) -> spread.Work:
    return spread.start_run(now=timezone.now(), **options)


def in_one_process() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    LatestIndicators.objects.all().delete()
    RecentIndicators.objects.all().delete()
    compute_indicators(anew=True)
    return all_rows(), recent_rows()


def test_it_works():
    work = start()
    assert list(work.chunks) == [0, 1, 2, 3]
    assert [spread.compute_chunk(work.run, number) for number in (2, 0, 3, 1)] == [False, False, False, True]
    assert not LatestIndicators.objects.exists()
    published = spread.publish_run(work.run)
    assert published is not None and (published.stocks, published.is_whole) == (6, True)
    assert not IndicatorChunk.objects.exists()
    assert IndicatorRun.objects.get().status == "published"
    found = all_rows(), recent_rows()
    assert found == in_one_process()


def test_nothing_is_published_before_all_is_there():
    work = start()
    for number in work.chunks[:-1]:
        assert not spread.compute_chunk(work.run, number)
    assert spread.publish_run(work.run) is None
    assert not LatestIndicators.objects.exists()


def test_chunks_that_come_twice_and_a_publication_that_comes_twice_change_nothing():
    work = start()
    for number in [*work.chunks, *work.chunks]:
        spread.compute_chunk(work.run, number)
    assert spread.publish_run(work.run) is not None
    before = list(LatestIndicators.objects.values())
    assert spread.publish_run(work.run) is None
    assert not spread.compute_chunk(work.run, 0)
    assert list(LatestIndicators.objects.values()) == before


def test_only_a_market_is_computed_where_one_is_named():
    work = start(market="KOSDAQ")
    for number in work.chunks:
        spread.compute_chunk(work.run, number)
    published = spread.publish_run(work.run)
    assert published is not None and (published.stocks, published.is_whole) == (3, False)
    assert set(LatestIndicators.objects.values_list("stock__market_id", flat=True)) == {"KOSDAQ"}
    with pytest.raises(MarketNotFound):
        start(market="NOWHERE")


def test_of_two_runs_the_later_one_counts():
    first = start()
    for number in first.chunks:
        spread.compute_chunk(first.run, number)
    second = start()
    assert spread.publish_run(first.run) is None
    assert not spread.compute_chunk(first.run, 0)
    for number in second.chunks:
        spread.compute_chunk(second.run, number)
    assert spread.publish_run(second.run) is not None


def test_a_computation_in_one_process_overtakes_a_run():
    work = start()
    for number in work.chunks:
        spread.compute_chunk(work.run, number)
    DailyBar.objects.filter(stock__code="000001").update(volume=77)
    compute_indicators()
    before = all_rows()
    assert spread.publish_run(work.run) is None
    assert all_rows() == before


def test_a_stock_that_lost_its_bars_loses_its_row():
    compute_indicators()
    DailyBar.objects.filter(stock__code="000001").delete()
    work = start()
    for number in work.chunks:
        spread.compute_chunk(work.run, number)
    spread.publish_run(work.run)
    assert LatestIndicators.objects.count() == 5
    found = all_rows(), recent_rows()
    assert found == in_one_process()


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    found: list[Any] = []

    def work(job: Callable[[], Any]) -> None:
        try:
            found.append(job())
        except BaseException as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_workers_at_once_leave_what_one_leaves():
    work = start()
    ended = at_once([partial(spread.compute_chunk, work.run, n) for n in [*work.chunks, *work.chunks]])
    assert set(map(type, ended)) == {bool} and True in ended
    published = at_once([lambda: spread.publish_run(work.run)] * 3)
    assert sum(one is not None for one in published) == 1
    assert not [one for one in published if isinstance(one, BaseException)]
    found = all_rows(), recent_rows()
    assert found == in_one_process()


class TestTasks:
    @pytest.fixture(autouse=True)
    def queued(self, monkeypatch: pytest.MonkeyPatch, redis_client: Any) -> list[tuple[Any, ...]]:
        """What the tasks put on the queue, in order."""
        queue: list[tuple[Any, ...]] = []
        for task in (tasks.compute_indicator_chunk, tasks.publish_indicators):
            monkeypatch.setattr(task, "delay", lambda *given, task=task: queue.append((task, *given)))
        return queue

    def drain(self, queued: list[tuple[Any, ...]]) -> None:
        while queued:
            task, *given = queued.pop(0)
            task(*given)

    def test_a_run_goes_through_the_queue_to_its_end(self, queued):
        bump_version()
        tasks.spread_indicators()
        assert len(queued) == 4
        self.drain(queued)
        assert LatestIndicators.objects.count() == 6
        # It followed the data as they are: nothing is left to compute.
        assert not indicators_refresh()

    def test_a_chunk_whose_worker_died_is_handed_out_again(self, queued):
        tasks.spread_indicators()
        lost = queued.pop(1)
        self.drain(queued)
        tasks.compute_latest_indicators()
        assert queued == []
        IndicatorRun.objects.update(started_at=timezone.now() - spread.HANDED_OUT_FOR)
        tasks.compute_latest_indicators()
        assert queued == [lost]
        self.drain(queued)
        assert LatestIndicators.objects.count() == 6

    def test_a_publication_that_was_lost_is_asked_for_again(self, queued):
        tasks.spread_indicators()
        while queued[0][0] is not tasks.publish_indicators:
            task, *given = queued.pop(0)
            task(*given)
        queued.clear()
        tasks.compute_latest_indicators()
        self.drain(queued)
        assert LatestIndicators.objects.count() == 6

    def test_a_run_that_was_lost_is_given_up(self, queued):
        bump_version()
        tasks.spread_indicators()
        IndicatorRun.objects.update(started_at=timezone.now() - spread.LOST_AFTER - timedelta(seconds=1))
        queued.clear()
        tasks.compute_latest_indicators()
        assert queued == [] and IndicatorRun.objects.get().status == "superseded"
        assert LatestIndicators.objects.count() == 6
