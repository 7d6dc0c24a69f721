"""The limiter: exact in any window, all policies or none, and never open."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts import familiar, limiter, tiers
from accounts.limiter import TAKE, Decision
from accounts.local_limits import LocalLimits, local_limits
from accounts.redis import FIRST_PAUSE, RedisAway, Script, call
from accounts.tests.outages import absent_redis, close_breaker, forget_outages, hung_redis
from accounts.tiers import Budget, Policy


@pytest.fixture(autouse=True)
def limits_on(settings, redis_client):
    forget_outages()
    settings.RATE_LIMITS = "on"
    yield
    forget_outages()


def take(account: str, tier: str = "free") -> Decision:
    decision = limiter.take(account=account, tier=tier)
    assert decision is not None
    return decision


def in_threads(count: int, call) -> list:
    """The results of ``count`` calls that begin together."""
    start = threading.Barrier(count)

    def run(number: int):
        start.wait(30)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_it_works():
    decision = take("alice")
    assert decision.allowed
    assert [(one.policy.name, one.remaining) for one in decision.standings] == [("minute", 99), ("day", 999)]
    assert decision.nearest.policy == Policy("minute", 100, 60)
    headers = dict(decision.headers())
    assert headers["X-RateLimit-Limit"] == "100"
    assert headers["X-RateLimit-Remaining"] == "99"
    assert headers["X-RateLimit-Reset"] == limiter.moment(decision.now + 61)
    assert headers["RateLimit-Policy"] == '"minute";q=100;w=60, "day";q=1000;w=86400'
    assert headers["RateLimit"].startswith('"minute";r=99;t=61, "day";r=999;t=')
    assert "Retry-After" not in headers


@pytest.mark.parametrize(("tier", "limit"), [("free", 100), ("basic", 500), ("pro", 2000)])
def test_of_64_clients_at_once_exactly_the_limit_is_let_through(tier, limit):
    account = str(uuid4())

    def ask(_: int) -> list[tuple[bool, int]]:
        return [
            (decision.allowed, decision.nearest.remaining)
            for decision in (take(account, tier) for _ in range(limit // 64 + 5))
        ]

    answers = [answer for part in in_threads(64, ask) for answer in part]
    assert len(answers) > limit
    # Each number of what is left was told once: nobody was counted twice, nobody was missed.
    assert sorted(left for allowed, left in answers if allowed) == list(range(limit))
    assert {left for allowed, left in answers if not allowed} == {0}


def test_a_refused_request_consumes_nothing_of_any_policy(settings):
    settings.TIERS = {
        "free": {"requests": ["3/minute", "5/day"], "websocket_rooms": 1, "websocket_connections": 1}
    }
    for _ in range(3):
        assert take("alice").allowed
    for _ in range(10):
        refused = take("alice")
        assert not refused.allowed
        assert [one.remaining for one in refused.standings] == [0, 2]


def test_the_policy_that_refuses_longest_is_named(settings):
    settings.TIERS = {
        "free": {"requests": ["2/minute", "2/day"], "websocket_rooms": 1, "websocket_connections": 1}
    }
    take("alice")
    take("alice")
    refused = take("alice")
    assert refused.nearest.policy.name == "day"
    assert dict(refused.headers())["Retry-After"] == str(refused.nearest.resets - refused.now)
    # 24 h and the step of 24 minutes that it is counted in.
    assert 86_400 <= refused.retry_after <= 86_400 + 1440


def test_accounts_do_not_share():
    for _ in range(101):
        take("alice")
    assert take("bob").nearest.remaining == 99


def test_an_unknown_tier_has_the_limits_of_the_smallest():
    assert take("alice", "platinum").nearest.policy.limit == 100


def test_after_a_change_to_a_smaller_tier_what_was_used_counts(settings):
    for _ in range(150):
        assert take("alice", "basic").allowed
    refused = take("alice", "free")
    assert not refused.allowed
    assert refused.nearest.remaining == 0


def test_switched_off_nothing_is_counted(settings, redis_client):
    settings.RATE_LIMITS = "off"
    assert limiter.take(account="alice", tier="free") is None
    assert redis_client.keys("limit:*") == []


def test_no_key_is_without_an_end(redis_client):
    in_threads(16, lambda number: [take(f"user{number % 5}") for _ in range(30)])
    keys = list(redis_client.scan_iter("limit:*"))
    assert len(keys) == 10
    for key in keys:
        window = int(key.rpartition(b":")[2])
        assert window < redis_client.ttl(key) <= window * 62 / 60 + 1


def test_a_server_that_forgets_its_scripts_is_told_them_again(redis_client):
    take("alice")
    redis_client.script_flush()
    assert take("alice").nearest.remaining == 98


def take_each(*accounts: str) -> list[Decision]:
    """One request of each, in one exchange."""
    return limiter.count_each([tiers.tier("free").budgets(account) for account in accounts])


def test_many_are_counted_in_one_exchange_as_each_alone(redis_client):
    take("alice")
    redis_client.script_flush()
    decisions = take_each(*["alice"] * 60, *["bob"] * 101, *["alice"] * 50)
    assert [one.nearest.remaining for one in decisions[:60]] == list(range(98, 38, -1))
    assert [one.allowed for one in decisions[60:161]] == [True] * 100 + [False]
    assert [one.allowed for one in decisions[161:]] == [True] * 39 + [False] * 11
    assert decisions[0].headers()[-1] == ("RateLimit-Policy", '"minute";q=100;w=60, "day";q=1000;w=86400')
    assert take_each() == []
    assert redis_client.hget("limit:alice:60", "used") == b"100"


def test_many_at_once_are_limited_without_redis_too_and_told_when_it_is_back(settings, redis_client):
    address = settings.REDIS_URL
    take_each(*["alice"] * 40)
    with absent_redis() as settings.REDIS_URL:
        assert sum(one.allowed for one in take_each(*["alice"] * 30, *["bob"] * 130)) == 130
    settings.REDIS_URL = address
    close_breaker()
    decisions = take_each("carol", *["alice"] * 40, "bob")
    assert [one.allowed for one in decisions] == [True] + [True] * 30 + [False] * 11
    assert redis_client.hget("limit:alice:60", "used") == b"100"
    assert redis_client.hget("limit:bob:60", "used") == b"100"
    assert redis_client.hget("limit:carol:60", "used") == b"1"


def test_a_server_that_restarts_is_found_again(redis_client):
    take("alice")
    # As when it ends: every connection is cut.
    redis_client.client_kill_filter(_type="normal", skipme=True)
    deadline = time.monotonic() + 10
    while True:
        take("alice")
        try:
            call("PING")
            break
        except RedisAway:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    # With this request Redis hears what was let through meanwhile.
    take("alice")
    counted = int(redis_client.hget("limit:alice:60", "used"))
    assert take("alice").nearest.remaining == 100 - counted - 1


# --- the script on a clock of our own -----------------------------------------------------------------------


class Clocked:
    """The script with the time as an argument in place of the server's clock."""

    def __init__(self, *policies: Policy) -> None:
        self.policies = policies
        self.account = str(uuid4())
        clock = TAKE.replace("redis.call('TIME')[1]", "ARGV[#ARGV]")
        assert clock != TAKE
        self.script = Script(clock, "return take(KEYS, 1, {unpack(ARGV, 1, #ARGV - 1)}, 1)")

    def take(self, second: int, debt: int = 0, known: int = 0) -> tuple[bool, list[tuple[int, int]]]:
        budgets = [Budget(self.account, policy) for policy in self.policies]
        arguments = limiter.arguments(budgets, [{0: debt} for _ in budgets], 0.0)
        arguments[3::4] = [known] * len(budgets)
        reply = self.script(limiter.keys(budgets), [*arguments, second])
        assert reply[1] == second
        return bool(reply[0]), list(zip(reply[2::2], reply[3::2], strict=True))


T = 1_764_280_000


def test_a_burst_over_the_edge_of_a_minute_counts_as_one():
    clocked = Clocked(Policy("minute", 100, 60))
    edge = T - T % 60 + 60
    before = [clocked.take(edge - 1)[0] for _ in range(100)]
    after = [clocked.take(edge + second)[0] for second in range(59) for _ in range(5)]
    assert all(before)
    assert not any(after)


def test_who_waits_as_told_is_let_through_and_not_before():
    clocked = Clocked(Policy("minute", 5, 60))
    for second in (0, 0, 1, 7, 30):
        assert clocked.take(T + second)[0]
    for tried, expected in ((31, 61), (40, 61), (60, 61)):
        allowed, [(used, resets)] = clocked.take(T + tried)
        assert (allowed, used, resets) == (False, 5, T + expected)
    assert clocked.take(T + 61)[0]
    assert clocked.take(T + 61)[0]
    assert clocked.take(T + 61) == (False, [(5, T + 62)])
    assert clocked.take(T + 62)[0]


@given(
    limit=st.integers(1, 12),
    gaps=st.lists(st.integers(0, 40) | st.integers(0, 3), min_size=1, max_size=80),
)
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_any_window_there_is_never_more_than_the_limit(limit, gaps):
    clocked = Clocked(Policy("minute", limit, 60))
    now = T
    admitted: list[int] = []
    for gap in gaps:
        now += gap
        allowed, [(used, resets)] = clocked.take(now)
        # What came within sixty whole seconds before this one is counted, and nothing else.
        counted = [second for second in admitted if second >= now - 60]
        assert allowed == (len(counted) < limit)
        if allowed:
            admitted.append(now)
        assert used == min(limit, len(counted) + 1)
        assert resets == (counted[0] if counted else now) + 61
    for start in admitted:
        assert sum(start <= second <= start + 60 for second in admitted) <= limit


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=60))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_day_is_a_day_wherever_it_begins_and_both_policies_hold(gaps):
    clocked = Clocked(Policy("minute", 2, 60), Policy("day", 4, 86_400))
    now = T
    admitted: list[int] = []
    for gap in gaps:
        now += gap
        if clocked.take(now)[0]:
            admitted.append(now)
    for start in admitted:
        assert sum(start <= second < start + 60 for second in admitted) <= 2
        assert sum(start <= second < start + 86_400 for second in admitted) <= 4


def test_a_clock_that_is_set_back_opens_nothing_and_closes_nothing_for_long(redis_client):
    clocked = Clocked(Policy("minute", 3, 60))
    for _ in range(3):
        assert clocked.take(T)[0]
    assert not clocked.take(T - 3600)[0]
    assert not clocked.take(T - 3600 + 60)[0]
    assert clocked.take(T - 3600 + 61)[0]
    [key] = redis_client.keys(f"limit:{clocked.account}:*")
    assert 0 < redis_client.ttl(key) <= 62


def test_a_smaller_limit_waits_until_enough_has_left():
    generous, strict = Clocked(Policy("minute", 10, 60)), Clocked(Policy("minute", 3, 60))
    strict.account = generous.account
    for second in range(10):
        assert generous.take(T + second)[0]
    # The eighth of them leaves at T + 7 + 61: then two are left.
    assert strict.take(T + 20) == (False, [(10, T + 68)])
    assert not strict.take(T + 67)[0]
    assert strict.take(T + 68)[0]


def test_what_was_let_through_elsewhere_is_added_even_where_nothing_more_is():
    clocked = Clocked(Policy("minute", 5, 60))
    assert clocked.take(T, debt=3) == (True, [(4, T + 61)])
    assert clocked.take(T, debt=4) == (False, [(8, T + 61)])
    assert clocked.take(T + 60) == (False, [(8, T + 61)])


def test_what_redis_has_lost_is_counted_again():
    clocked = Clocked(Policy("minute", 5, 60))
    # It was empty, and is told that four had been counted.
    assert clocked.take(T, known=4) == (True, [(5, T + 61)])
    assert clocked.take(T + 1, known=5) == (False, [(5, T + 61)])


def test_a_redis_that_comes_back_empty_gives_nothing_out_again(redis_client):
    for _ in range(70):
        assert take("alice").allowed
    redis_client.flushall()
    assert take("alice").nearest.remaining == 29
    assert sum(take("alice").allowed for _ in range(40)) == 29
    assert int(redis_client.hget("limit:alice:60", "used")) == 100


def test_what_a_process_knows_of_redis_ends_before_redis_counts_less():
    local, budgets = LocalLimits(), tiers.tier("basic").budgets("alice")
    local.note(budgets, 1000.0, 5000, [40, 5061])
    assert local.known(budgets, 1059.0) == [40]
    assert local.known(budgets, 1059.6) == [0]
    # An answer that is overtaken changes nothing; one of a clock that was set back does.
    local.note(budgets, 1001.0, 4999, [39, 5060])
    assert local.known(budgets, 1001.0) == [40]
    local.note(budgets, 1002.0, 3000, [7, 3061])
    assert local.known(budgets, 1002.0) == [7]


# --- addresses, strangers and signing in ------------------------------------------------------------------


def _anonymous(*, address: str, first: bool = False) -> Decision:
    decision = limiter.take_anonymous(address=address, first=first)
    assert decision is not None
    return decision


def _attempt(*, address: str, email: str) -> Decision:
    decision = limiter.take_auth(address=address, email=email)
    assert decision is not None
    return decision


def test_a_stranger_is_counted_for_the_address_and_the_day(redis_client):
    answers = [_anonymous(address="192.0.2.1", first=True) for _ in range(101)]
    assert [one.allowed for one in answers] == [True] * 100 + [False]
    assert [one.policy.name for one in answers[0].standings] == ["day"]
    assert answers[-1].nearest.policy.limit == 100
    # The refused one counted nowhere.
    assert int(redis_client.hget("limit:address:192.0.2.1:60", "used")) == 100
    assert _anonymous(address="192.0.2.2", first=True).nearest.remaining == 99


def test_an_address_that_floods_is_told_of_that(settings):
    settings.LIMITS = {**settings.LIMITS, "address": "3/minute"}
    for _ in range(3):
        assert _anonymous(address="192.0.2.1", first=True).allowed
    refused = _anonymous(address="192.0.2.1", first=True)
    assert not refused.allowed
    assert refused.nearest.policy == Policy("address", 3, 60)


def test_attempts_to_sign_in_count_for_the_address_and_for_the_account():
    def attempt(address: str, email: str) -> bool:
        return _attempt(address=address, email=email).allowed

    assert [attempt("192.0.2.1", f"user{number}@example.com") for number in range(7)] == [True] * 5 + [
        False
    ] * 2
    assert [attempt(f"198.51.100.{number}", "alice@example.com") for number in range(7)] == [True] * 5 + [
        False
    ] * 2
    # Nor has the refused one been counted for its address.
    assert attempt("198.51.100.6", "bob@example.com")


def test_who_guesses_from_everywhere_does_not_keep_the_user_out():
    familiar.remember(email="alice@example.com", address="192.0.2.1")
    for number in range(20):
        _attempt(address=f"198.51.100.{number}", email="alice@example.com")
    assert not _attempt(address="203.0.113.1", email="alice@example.com").allowed
    attempts = [_attempt(address="192.0.2.1", email="alice@example.com").allowed for _ in range(7)]
    assert attempts == [True] * 5 + [False] * 2


def test_without_redis_signing_in_is_limited_to_each_processs_part(settings):
    settings.RATE_LIMIT_WORKERS = 2
    with absent_redis() as settings.REDIS_URL:
        attempts = [_attempt(address="192.0.2.1", email="a@example.com").allowed for _ in range(6)]
    assert attempts == [True] * 2 + [False] * 4


# --- without Redis ------------------------------------------------------------------------------------------


def test_without_redis_each_process_lets_its_part_through(settings):
    settings.RATE_LIMIT_WORKERS = 4
    with absent_redis() as address:
        settings.REDIS_URL = address
        answers = [take("alice") for _ in range(60)]
    assert [one.allowed for one in answers] == [True] * 25 + [False] * 35
    assert answers[0].nearest.remaining == 24
    assert 0 < answers[-1].retry_after <= 61
    assert dict(answers[-1].headers())["X-RateLimit-Remaining"] == "0"


def test_64_threads_without_redis_are_counted_exactly(settings):
    with absent_redis() as address:
        settings.REDIS_URL = address
        answers = in_threads(64, lambda _: [take("alice").allowed for _ in range(5)])
    assert sum(sum(part) for part in answers) == 100


def test_what_was_used_before_is_not_given_out_again(settings):
    settings.RATE_LIMIT_WORKERS = 2
    for _ in range(90):
        take("alice")
    with absent_redis() as address:
        settings.REDIS_URL = address
        # Ten are left, of which this process has a half.
        assert sum(take("alice").allowed for _ in range(50)) == 5


def test_what_was_let_through_without_redis_counts_when_it_is_back(settings, redis_client):
    address = settings.REDIS_URL
    for _ in range(40):
        take("alice")
    with absent_redis() as settings.REDIS_URL:
        assert sum(take("alice").allowed for _ in range(30)) == 30
    settings.REDIS_URL = address
    close_breaker()
    assert take("alice").nearest.remaining == 100 - 40 - 30 - 1
    assert sum(take("alice").allowed for _ in range(50)) == 29
    assert int(redis_client.hget("limit:alice:60", "used")) == 100


def test_redis_lost_in_the_middle_of_a_rush_lets_through_the_limit_and_no_more(settings):
    address = settings.REDIS_URL
    admitted: list[int] = []
    done = threading.Event()

    def rush(_: int) -> None:
        while not done.is_set() and len(admitted) < 300:
            if take("alice").allowed:
                admitted.append(1)

    with absent_redis() as nowhere, ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(rush, number) for number in range(8)]
        settings.REDIS_URL = nowhere
        time.sleep(0.3)
        settings.REDIS_URL = address
        time.sleep(1.5)
        settings.REDIS_URL = nowhere
        time.sleep(0.3)
        done.set()
        for job in jobs:
            job.result(30)
    assert len(admitted) == 100


def test_a_hung_redis_costs_one_request_its_patience_and_the_others_nothing(settings):
    with hung_redis() as address:
        settings.REDIS_URL = address
        times = []
        for _ in range(20):
            began = time.perf_counter()
            assert take("alice").allowed
            times.append(time.perf_counter() - began)
    assert 0.15 < times[0] < 1
    # One more for each pause after which somebody tries again.
    assert sum(one > 0.15 for one in times) <= 1 + sum(times) / FIRST_PAUSE


def test_a_redis_that_is_full_is_not_asked_to_count(settings, redis_client):
    assert redis_client.config_set("maxmemory", "1mb")
    redis_client.config_set("maxmemory-policy", "noeviction")
    try:
        assert sum(take("alice").allowed for _ in range(150)) == 100
    finally:
        redis_client.config_set("maxmemory", "0")


def test_more_accounts_than_can_be_kept_are_refused_not_let_through(monkeypatch):
    monkeypatch.setattr("accounts.local_limits.MAX_BUDGETS", 10)
    local, row = LocalLimits(), tiers.tier("basic")
    taken = [local.take(row.budgets(f"user{number}"))[0] for number in range(12)]
    assert taken == [True] * 10 + [False] * 2
    assert local.take(row.budgets("user3"))[0]


def test_told_counts_are_forgotten_by_the_generation(monkeypatch):
    monkeypatch.setattr("accounts.local_limits.MAX_BUDGETS", 10)
    for number in range(100):
        local_limits.note(tiers.tier("basic").budgets(f"user{number}"), 0.0, 1, [1, 62])
    assert len(local_limits._heard) + len(local_limits._heard_before) <= 22


def test_a_reply_of_the_wrong_type_is_an_answer_not_an_outage(redis_client):
    redis_client.set("limit:alice:60", "a text")
    decision = take("alice")
    assert decision.allowed
    assert redis_client.get("limit:alice:60") == b"a text"
    # Redis itself goes on being asked.
    assert call("PING") == b"PONG"
    with pytest.raises(redis_py.ResponseError):
        redis_client.hget("limit:alice:60", "used")
