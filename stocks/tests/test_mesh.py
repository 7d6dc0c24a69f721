"""Providers as one: failover, breakers, quotas and what is said about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from stocks.providers.errors import AllFailed, NotFound, NotOffered, QuotaSpent, RateLimited
from stocks.providers.mesh.mesh import Mesh
from stocks.providers.mesh.quota import Quota, scheduled_work
from stocks.providers.protocol import PROTOCOLS, Capability, Provider
from stocks.providers.tools import Rate
from stocks.tests.plain_provider import Clock, Exchange, PlainProvider
from stocks.tests.standin import Answer, StandIn
from stocks.types import Bar, StockKey

pytestmark = pytest.mark.usefixtures("redis_client")

AAPL, MSFT = StockKey("AAPL", "NASDAQ", "USD"), StockKey("MSFT", "NASDAQ", "USD")
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
BROKEN = Answer(b"oops", 500)


class World:
    """Two providers, their upstreams, and the mesh over them."""

    def __init__(self, stack: ExitStack) -> None:
        self.clock = Clock(NOON)
        self.exchanges = [Exchange(AAPL="100.10", MSFT="400"), Exchange(AAPL="100.20", MSFT="401")]
        self.upstreams = [stack.enter_context(StandIn(exchange)) for exchange in self.exchanges]
        self.budgets = [
            Quota(name, "key", [Rate(60, 60.0)], now=self.clock.seconds) for name in ("first", "second")
        ]
        self.providers: list[Provider] = [
            PlainProvider(name, upstream, self.clock, budget)
            for name, upstream, budget in zip(("first", "second"), self.upstreams, self.budgets, strict=True)
        ]
        self.mesh = Mesh(self.order, now=self.clock, calendar_of={"NASDAQ": "XNYS"}.get)

    def order(self, capability: Capability) -> list[Provider]:
        return [one for one in self.providers if isinstance(one, PROTOCOLS[capability])]

    def calls(self) -> list[int]:
        return [len(upstream.requests) for upstream in self.upstreams]


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def test_it_works(world):
    quoted = world.mesh.quotes([AAPL, MSFT])
    assert {code: tick.price for code, tick in quoted.ticks.items()} == {
        "AAPL": Decimal("100.10"),
        "MSFT": Decimal("400"),
    }
    assert {tick.source for tick in quoted.ticks.values()} == {"first"}
    assert not quoted.errors
    assert not quoted.fallback
    assert world.calls() == [1, 0]


def test_what_the_first_lacks_is_asked_of_the_second_and_flagged(world):
    del world.exchanges[0].prices["MSFT"]
    quoted = world.mesh.quotes([AAPL, MSFT])
    assert quoted.ticks["AAPL"].source == "first"
    assert quoted.ticks["MSFT"].source == "second"
    assert quoted.fallback == {"MSFT"}


def test_a_stock_that_nobody_has_says_so_and_keeps_no_other_back(world):
    quoted = world.mesh.quotes([AAPL, StockKey("NOSUCH", "NASDAQ")])
    assert set(quoted.ticks) == {"AAPL"}
    assert isinstance(quoted.errors["NOSUCH"], NotFound)


def test_while_the_first_fails_for_ten_minutes_every_request_is_answered_and_it_gets_only_probes(world):
    world.exchanges[0].broken = BROKEN
    for _ in range(600):
        quoted = world.mesh.quotes([AAPL])
        assert quoted.ticks["AAPL"].source == "second"
        assert quoted.fallback == {"AAPL"}
        world.clock.advance(1)
        if world.clock.now.second == 0:
            # The second one's quota is that of a minute.
            assert world.budgets[1].spent()[0] <= 60
    failing, answering = world.calls()
    assert answering == 600
    # Three failures open the breaker; then pauses of 15, 30, 60, 120, 240 s, each jittered by a fifth.
    assert 3 <= failing <= 10


def test_a_provider_that_is_back_is_found_by_a_probe_and_used_again(world):
    world.exchanges[0].broken = BROKEN
    for _ in range(5):
        world.mesh.quotes([AAPL])
    world.exchanges[0].broken = None
    sources = []
    for _ in range(40):
        world.clock.advance(1)
        sources.append(world.mesh.quotes([AAPL]).ticks["AAPL"].source)
    assert sources[0] == "second"
    assert sources[-1] == "first"
    assert sources == sorted(sources, reverse=True)


def test_only_one_caller_probes(world):
    world.exchanges[0].broken = BROKEN
    for _ in range(3):
        world.mesh.quotes([AAPL])
    world.clock.advance(30)
    before = world.calls()[0]
    admitted = [world.mesh._breakers.admit("first", Capability.QUOTES).granted for _ in range(5)]
    assert admitted == [True, False, False, False, False]
    assert world.calls()[0] == before


def test_a_limit_of_the_provider_is_kept_for_as_long_as_it_says(world):
    world.exchanges[0].broken = Answer(b"Too Many Requests", 429, {"Retry-After": "120"})
    world.mesh.quotes([AAPL])
    world.exchanges[0].broken = None
    before = world.calls()[0]
    world.clock.advance(90)
    assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "second"
    assert world.calls()[0] == before
    world.clock.advance(60)
    assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "first"


def test_a_limit_concerns_every_capability_of_the_provider(world):
    world.exchanges[0].broken = Answer(b"Too Many Requests", 429)
    world.mesh.quotes([AAPL])
    world.exchanges[0].broken = None
    assert world.mesh.company(AAPL).source == "second"


def test_a_quota_of_ours_sends_the_question_to_the_next_and_opens_no_breaker(world):
    for _ in range(60):
        assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "first"
    for _ in range(10):
        assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "second"
    assert world.calls() == [60, 10]
    world.clock.advance(60.1)
    assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "first"


def test_scheduled_work_leaves_a_part_of_the_quota_to_requests(world):
    with scheduled_work():
        for _ in range(60):
            world.mesh.quotes([AAPL])
    assert world.calls()[0] == 42
    for _ in range(18):
        assert world.mesh.quotes([AAPL]).ticks["AAPL"].source == "first"


def test_no_quota_is_exceeded_over_a_day():
    clock = Clock(NOON)
    quota = Quota("av", "key", [Rate(25, 86_400.0), Rate(1, 1.0)], now=clock.seconds)
    taken: list[datetime] = []
    for _ in range(3 * 1440):
        try:
            quota.take()
            taken.append(clock.now)
        except QuotaSpent as error:
            assert error.retry_after is not None
            assert error.retry_after > 0
        clock.advance(60)
    assert len(taken) == 75
    for start in taken:
        assert sum(start <= one < start + timedelta(days=1) for one in taken) <= 25


def test_a_call_waits_for_its_turn_within_its_patience():
    clock = Clock(NOON)
    quota = Quota("kis", "key", [Rate(20, 1.0)], 2.0, now=clock.seconds, sleep=clock.advance)
    for _ in range(50):
        quota.take()
    assert timedelta(seconds=2) <= clock.now - NOON < timedelta(seconds=2.1)


def test_calls_that_are_more_than_the_rate_ever_allows_are_refused():
    quota = Quota("kis", "key", [Rate(2, 1.0)], now=Clock(NOON).seconds)
    with pytest.raises(QuotaSpent):
        quota.take(3)
    quota.take(2)


def test_the_key_is_in_no_name_of_redis(world, redis_client):
    Quota("av", "a-very-secret-key", [Rate(25, 86_400.0)]).take()
    assert not [name for name in redis_client.keys("*") if b"secret" in name]
    assert all(redis_client.pttl(name) > 0 for name in redis_client.keys("mesh:quota:*"))


def test_all_failing_says_how_each_failed(world):
    for exchange in world.exchanges:
        exchange.broken = BROKEN
    with pytest.raises(AllFailed, match="first: upstream; second: upstream"):
        world.mesh.company(AAPL)


def test_what_nobody_has_is_not_found_and_no_failure(world):
    for _ in range(5):
        with pytest.raises(NotFound):
            world.mesh.company(StockKey("NOSUCH"))
    assert world.calls() == [5, 5]


def test_one_that_may_have_it_and_fails_leaves_the_question_open(world):
    world.exchanges[0].broken = BROKEN
    with pytest.raises(AllFailed):
        world.mesh.company(StockKey("NOSUCH"))


def test_a_capability_that_nobody_has_is_not_offered(world):
    with pytest.raises(NotOffered):
        world.mesh.crypto("BTC", "USD")
    assert not world.mesh.has(Capability.CRYPTO)


def test_a_stock_that_nobody_covers_is_not_asked_about(world):
    for provider in world.providers:
        assert isinstance(provider, PlainProvider)
        provider.markets = ("NASDAQ",)
    quoted = world.mesh.quotes([StockKey("005930", "KOSPI", "KRW")])
    assert isinstance(quoted.errors["005930"], NotOffered)
    assert world.calls() == [0, 0]


class _Single(PlainProvider):
    quote_batch = 1


def test_a_provider_that_answers_for_one_stock_is_not_asked_for_five_hundred(world):
    world.exchanges[0].prices = {f"S{number}": "1" for number in range(500)}
    world.providers = [_Single("first", world.upstreams[0], world.clock)]
    quoted = world.mesh.quotes([StockKey(f"S{number}") for number in range(500)])
    assert len(quoted.ticks) == 10
    assert len(quoted.errors) == 490
    assert all(isinstance(error, RateLimited) for error in quoted.errors.values())
    assert world.calls()[0] == 10


class _Bars(PlainProvider):
    def daily_bars(self, key: StockKey, start: date, end: date) -> list[Bar]:
        close = Decimal(10)
        return [Bar(start + timedelta(days=day), None, None, None, close, 0) for day in range(4)]


def test_a_bar_of_a_session_that_goes_on_is_left_out(world):
    world.providers = [_Bars("first", world.upstreams[0], world.clock)]
    bars = world.mesh.daily_bars(AAPL, date(2026, 2, 28), date(2026, 3, 3)).value
    assert [bar.date for bar in bars] == [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]
    world.clock.advance(5 * 3600)
    bars = world.mesh.daily_bars(AAPL, date(2026, 2, 28), date(2026, 3, 3)).value
    assert bars[-1].date == date(2026, 3, 3)


def test_without_redis_nobody_spends_what_cannot_be_counted(world, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    quoted = world.mesh.quotes([AAPL])
    assert isinstance(quoted.errors["AAPL"], QuotaSpent)
    assert world.calls() == [0, 0]
