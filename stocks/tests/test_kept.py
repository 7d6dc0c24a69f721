"""Answers that are kept for some seconds: worked out once, never too old, and there without Redis too"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django.fixtures import Settings

from stocks.services import kept as kept_module
from stocks.services.kept import kept

#: An address where no Redis listens.
NOBODY = "redis://127.0.0.1:1/0"
pytestmark = pytest.mark.usefixtures("redis_client")


class Work:
    """Counts how often it is done; each time the answer is another."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.done = 0
        self.seconds = seconds
        self._guard = threading.Lock()

    def __call__(self) -> bytes:
        time.sleep(self.seconds)
        with self._guard:
            self.done += 1
            return b"answer %d" % self.done


@pytest.fixture(autouse=True)
def nothing_of_our_own() -> None:
    kept_module._own.clear()


def together(count: int, call) -> list[bytes]:
    start = threading.Barrier(count)

    def run(_: int) -> bytes:
        start.wait(timeout=20)
        return call()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_it_works():
    work = Work()
    assert kept("a", seconds=10, build=work) == b"answer 1"
    assert kept("a", seconds=10, build=work) == b"answer 1"
    assert kept("b", seconds=10, build=work) == b"answer 2"


def test_many_who_find_nothing_wait_for_one():
    work = Work(seconds=0.3)
    assert set(together(16, lambda: kept("a", seconds=10, build=work))) == {b"answer 1"}
    assert work.done == 1


def test_past_half_of_its_time_one_renews_it_and_the_others_are_not_kept_waiting(redis_client):
    work = Work()
    kept("a", seconds=10, build=work)
    redis_client.pexpire("stocks:kept:a", 4000)
    work.seconds = 0.5
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(kept, "a", seconds=10, build=work)
        while not redis_client.exists("stocks:kept:a:lock"):
            assert time.monotonic() - began < 10
            time.sleep(0.005)
        assert kept("a", seconds=10, build=work) == b"answer 1"
        assert not renewing.done()
        assert renewing.result(timeout=10) == b"answer 2"
    assert kept("a", seconds=10, build=work) == b"answer 2"
    assert work.done == 2


def test_it_is_never_older_than_it_may_be(redis_client):
    kept("a", seconds=2, build=Work(seconds=0.3))
    assert 0 < redis_client.pttl("stocks:kept:a") <= 1700


def test_what_fails_is_kept_by_nobody_and_lets_the_next_one_try(redis_client):
    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept("a", seconds=10, build=fail)
    assert redis_client.keys("stocks:kept:*") == []
    assert kept("a", seconds=10, build=Work()) == b"answer 1"


def test_a_lock_of_a_process_that_died_holds_nobody_up_for_long(redis_client, monkeypatch):
    monkeypatch.setattr(kept_module, "WAIT_SECONDS", 0.2)
    redis_client.set("stocks:kept:a:lock", "dead", px=60_000)
    began = time.monotonic()
    assert kept("a", seconds=10, build=Work()) == b"answer 1"
    assert time.monotonic() - began < 5
    # It is not ours to let go of.
    assert redis_client.get("stocks:kept:a:lock") == b"dead"


def test_without_redis_a_process_keeps_its_own(settings: Settings):
    settings.REDIS_URL = NOBODY
    work = Work(seconds=0.1)
    assert set(together(8, lambda: kept("a", seconds=10, build=work))) == {b"answer 1"}
    assert kept("a", seconds=0.0, build=work) == b"answer 2"
