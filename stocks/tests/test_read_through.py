"""Data that is fetched when it is asked for, shown while it is fetched anew, and remembered as missing."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from stocks.errors import DataUnavailable
from stocks.models import Fetched
from stocks.providers.errors import AllFailed, NotFound, NotOffered, Upstream
from stocks.services import read_through
from stocks.services.read_through import ensure_fresh

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
TEN_MINUTES, HOUR = timedelta(minutes=10), timedelta(hours=1)


class Source:
    """What is asked: counts, and answers or fails."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.seconds = 0.0

    def __call__(self) -> str:
        self.calls += 1
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return "yahoo"


@pytest.fixture
def source() -> Source:
    read_through._failed.clear()
    return Source()


def _ensure(source: Source, now: datetime = NOW, have: bool = False):
    return ensure_fresh(
        "news:AAPL", have=have, fresh_for=TEN_MINUTES, missing_for=HOUR, refresh=source, now=now
    )


def _until(reached) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "it was not reached in time"
        time.sleep(0.01)


def test_it_works(source):
    first = _ensure(source)
    assert (first.at, first.source, first.stale, first.missing) == (NOW, "yahoo", False, False)
    assert source.calls == 1


def test_what_is_fresh_is_not_asked_for_again(source):
    _ensure(source)
    _ensure(source, NOW + timedelta(minutes=9, seconds=59), have=True)
    assert source.calls == 1


def test_what_is_old_is_shown_at_once_and_fetched_behind_the_reader(source):
    _ensure(source)
    source.seconds = 0.5
    began = time.monotonic()
    late = _ensure(source, NOW + HOUR, have=True)
    assert time.monotonic() - began < 0.4
    assert (late.at, late.stale) == (NOW, True)
    _until(lambda: Fetched.objects.get().at == NOW + HOUR)
    assert source.calls == 2
    assert not _ensure(source, NOW + HOUR, have=True).stale


def test_a_hundred_readers_of_what_is_old_cost_one_call(source):
    _ensure(source)
    source.seconds = 0.5
    for _ in range(100):
        assert _ensure(source, NOW + HOUR, have=True).stale
    _until(lambda: Fetched.objects.get().at == NOW + HOUR)
    assert source.calls == 2


def test_that_nobody_has_it_is_remembered(source):
    source.error = NotFound("nothing")
    assert _ensure(source).missing
    assert _ensure(source, NOW + timedelta(minutes=59)).missing
    assert source.calls == 1
    source.error = None
    assert not _ensure(source, NOW + HOUR).missing
    assert source.calls == 2


def test_a_failure_with_something_to_show_shows_it(source):
    _ensure(source)
    source.error = Upstream("broken")
    for _ in range(20):
        shown = _ensure(source, NOW + HOUR, have=True)
        assert (shown.stale, shown.at, shown.source) == (True, NOW, "yahoo")
        _until(lambda: not read_through._waiting)
    # A source that has just failed is left alone for a while.
    assert source.calls == 2


def test_a_failure_with_nothing_to_show_is_said(source):
    source.error = AllFailed({"yahoo": Upstream("broken")})
    with pytest.raises(DataUnavailable) as refused:
        _ensure(source)
    assert refused.value.details == {"reason": "yahoo: upstream"}
    assert not Fetched.objects.exists()


def test_that_no_provider_is_configured_is_said(source):
    source.error = NotOffered("no provider is asked for news")
    with pytest.raises(NotOffered):
        _ensure(source)


def test_many_who_find_nothing_wait_for_one_call(source):
    source.seconds = 0.5
    together = threading.Barrier(16)
    seen = []

    def ask() -> None:
        try:
            connection.ensure_connection()
            together.wait(timeout=30)
            seen.append(_ensure(source))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert source.calls == 1
    assert [(one.source, one.missing) for one in seen] == [("yahoo", False)] * 16
