"""Questions within one run: quotas are waited for or left, failures are counted, time is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from stocks.providers.errors import AllFailed, NotFound, NotOffered
from stocks.providers.protocol import Capability
from stocks.providers.tools import Rate
from stocks.services.asking import MAX_FAILURES, Asker, Stopped, is_live
from stocks.tests.market_provider import Opened, standing_in
from stocks.tests.standin import Answer
from stocks.types import StockKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

AAPL, SAMSUNG = StockKey("AAPL", "NASDAQ", "USD"), StockKey("005930", "KOSPI", "KRW")


@pytest.fixture
def opened(settings, request) -> Iterator[Opened]:
    with standing_in(settings, "standin", **getattr(request, "param", {})) as (one,):
        one.exchange.actions = {"AAPL": [], "005930": []}
        yield one


def _ask(asker: Asker, key: StockKey = AAPL):
    day = timezone.now().date()
    return asker.about(Capability.ACTIONS, key, lambda mesh: mesh.actions(key, day, day))


def limited(*rates: Rate) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", [{"rates": rates}], indirect=True)


def test_it_works(opened):
    answer = _ask(Asker())
    assert (answer.value, answer.source) == ([], "standin")


@limited(Rate(10, 3600.0))
def test_scheduled_work_leaves_a_part_of_the_quota_to_requests(opened):
    asker = Asker()
    before = timezone.now()
    for _ in range(7):
        _ask(asker)
    with pytest.raises(Stopped) as stopped:
        _ask(asker)
    assert stopped.value.reason == "standin actions: standin: rate_limited"
    assert len(opened.upstream.requests) == 7
    assert asker.go_on_at is not None
    assert timedelta(minutes=50) < asker.go_on_at - before < timedelta(minutes=61)


@limited(Rate(10, 3600.0))
def test_a_provider_that_is_stopped_is_asked_no_more_and_others_are(opened):
    asker = Asker()
    with pytest.raises(Stopped):
        for _ in range(8):
            _ask(asker)
    asked = len(opened.upstream.requests)
    with pytest.raises(Stopped):
        _ask(asker, SAMSUNG)
    assert len(opened.upstream.requests) == asked


@limited(Rate(3, 0.2))
def test_a_short_quota_is_waited_for(opened):
    asker = Asker(patience=5.0)
    for _ in range(6):
        _ask(asker)
    assert len(opened.upstream.requests) == 6
    assert not asker.stops


@limited(Rate(3, 30.0))
def test_no_wait_goes_beyond_the_time_of_the_run(opened):
    waits: list[float] = []
    asker = Asker(seconds=10.0, patience=60.0, wait=waits.append)
    with pytest.raises(Stopped):
        for _ in range(3):
            _ask(asker)
    assert waits == []


def test_when_its_time_is_up_the_run_asks_nothing(opened):
    asker = Asker(seconds=0.0)
    assert asker.is_over
    with pytest.raises(Stopped, match="time of this run"):
        _ask(asker)
    assert not opened.upstream.requests


def test_what_is_unknown_is_no_failure(opened):
    asker = Asker()
    for _ in range(2 * MAX_FAILURES):
        with pytest.raises(NotFound):
            _ask(asker, StockKey("NOSUCH", "NASDAQ"))
    assert not asker.stops


def test_a_provider_that_fails_again_and_again_is_left_in_peace(opened):
    opened.exchange.broken = Answer(b"oops", 500)
    asker = Asker(patience=0.0)
    errors: list[type[Exception]] = []
    for _ in range(20):
        try:
            _ask(asker)
        except (AllFailed, Stopped) as error:
            errors.append(type(error))
    # Its breaker opens at the third failure, and the wait for it is longer than anybody's patience.
    assert len(opened.upstream.requests) == 3
    assert errors == [AllFailed] * 3 + [Stopped] * 17


@pytest.mark.parametrize("opened", [{"markets": ("KOSPI",)}], indirect=True)
def test_a_stock_that_no_provider_covers_is_not_offered(opened):
    with pytest.raises(NotOffered):
        _ask(Asker())
    _ask(Asker(), SAMSUNG)


def test_only_real_providers_are_live(settings, opened):
    assert is_live(Capability.ACTIONS)
    assert not is_live(Capability.NEWS)
    settings.MARKET_DATA = ["sandbox"]
    assert not is_live(Capability.ACTIONS)
    settings.MARKET_DATA = []
    assert not is_live(Capability.ACTIONS)
