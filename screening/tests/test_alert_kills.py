"""10,000 alerts under 2,000 ticks a second, several processes that die or hang: each crossing fires once.

What must have fired is worked out from all that was appended, by rules said in other words. `STOCKROOM_KILLS`
says how many kills (3 where it says nothing), `STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import redis

from accounts.tests.factories import UserFactory
from realtime import keys
from screening.alerts.evaluator import GROUP
from screening.models import Alert, Notification
from screening.tests.test_alert_rooms import logged
from stocks import stream
from stocks.models import ProcessLease, Stock
from stocks.sessions import FRESH_FOR
from stocks.tests.tick_cases import tick, update
from stocks.types import Tick

if TYPE_CHECKING:
    from config.testing import LiveStack

KILLS = min(int(os.environ.get("STOCKROOM_KILLS", "3")), 40)
SEED = int(os.environ.get("STOCKROOM_SEED") or random.randrange(10**6))
STOCKS, ALERTS_EACH, USERS = 500, 20, 10
PER_ENTRY, PER_SECOND = 100, 2_000
STALE = "STALE"
# Where a process dies by itself: with an entry in hand, before the commit, after it, with rooms half told.
POINTS = ("after_read", "mid_transaction", "after_commit", "after_publish")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400 + 60 * KILLS)]


class Load:
    """Walks that cross thresholds up and down, appended at a steady rate until it is stopped."""

    def __init__(self, client: redis.Redis, chance: random.Random) -> None:
        self.prices: dict[str, list[int]] = defaultdict(list)
        self.late = 0.0
        self._client = client
        self._chance = chance
        self._number = 0
        self._at = {f"{number:06d}": chance.randrange(80, 121) for number in range(STOCKS)}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._append()
            due += PER_ENTRY / PER_SECOND
            left = due - time.monotonic()
            self.late = max(self.late, -left)
            self._stop.wait(max(left, 0))

    def _append(self) -> None:
        now = datetime.now(UTC)
        ticks = [self._tick(code, now) for code in self._chance.choices(list(self._at), k=PER_ENTRY)]
        # One that would cross if it were not ten minutes old.
        old = now - timedelta(minutes=10)
        self._number += 1
        ticks.append(_tick(STALE, 90 + 20 * (self._number % 2), old, self._number))
        one = update(*ticks)
        # Now and then twice, as when the answer of Redis is lost on its way.
        for _ in range(2 if self._chance.random() < 0.05 else 1):
            stream.append(self._client, one)

    def _tick(self, code: str, now: datetime) -> Tick:
        self._number += 1
        step = self._chance.choice((-2, -1, 1, 2))
        self._at[code] = min(max(self._at[code] + step, 60), 140)
        self.prices[code].append(self._at[code])
        return _tick(code, self._at[code], now, self._number)


def _tick(code: str, price: int, as_of: datetime, seq: int) -> Tick:
    return tick(code, str(price), as_of=as_of, received_at=as_of, source="sandbox", seq=seq)


def _expected(condition: str, threshold: int, prices: Sequence[int]) -> list[int]:
    """The prices that fire, by looking at neighbours."""
    if condition == "above":
        return [now for before, now in pairwise(prices) if before <= threshold < now]
    if condition == "below":
        return [now for before, now in pairwise(prices) if before >= threshold > now]
    off = [price for price in prices if price != threshold]
    return [now for before, now in pairwise(off) if (before - threshold) * (now - threshold) < 0]


def _alerts(chance: random.Random) -> None:
    Stock.objects.bulk_create(
        Stock(code=code, name=code, market_id="KOSPI", currency="KRW", source="test")
        for code in [*(f"{number:06d}" for number in range(STOCKS)), STALE]
    )
    users = [UserFactory.create(tier="pro") for _ in range(USERS)]
    Alert.objects.bulk_create(
        Alert(
            user=chance.choice(users),
            stock=stock,
            kind="price",
            condition=chance.choice(("above", "below", "crosses")),
            threshold=100 if stock.code == STALE else chance.randrange(50, 401),
        )
        for stock in Stock.objects.all()
        for _ in range(ALERTS_EACH)
    )


def _wait(reached: Callable[[], bool], why: Callable[[], str], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


def _holder() -> int:
    """The process id of who evaluates now; 0 while nobody does."""
    lease = ProcessLease.objects.filter(name=GROUP, until__gt=datetime.now(UTC)).first()
    return int(lease.holder.rsplit("-", 2)[1]) if lease else 0


def _is_replaced(process_id: int) -> bool:
    return _holder() not in (0, process_id)


def _is_idle(client: redis.Redis) -> bool:
    groups = {group["name"]: group for group in client.xinfo_groups(stream.STREAM)}
    return groups[b"alerts"]["pending"] == 0 and groups[b"alerts"]["lag"] == 0


def _age(client: redis.Redis) -> float:
    """Seconds for which the oldest entry that is not evaluated has waited."""
    groups = {group["name"]: group for group in client.xinfo_groups(stream.STREAM)}
    pending = client.xpending(stream.STREAM, "alerts")
    first = pending["min"] if pending["pending"] else b"(" + groups[b"alerts"]["last-delivered-id"]
    entries: Any = client.xrange(stream.STREAM, first, count=1)
    return time.time() - int(entries[0][0].partition(b"-")[0]) / 1000 if entries else 0.0


def _send(process_id: int, number: signal.Signals) -> None:
    """To a process that may just have died by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, number)


class Members:
    """Two processes at a time: one evaluates, and one waits that dies by itself once it is its turn.

    One that was killed a moment ago still looks alive, and one that hangs does nothing: what is `gone` is not
    counted.
    """

    def __init__(self, stack: LiveStack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        self._all = [stack.manage("evaluate_alerts")]

    def fill(self, point: str = "", *, gone: int = 0) -> None:
        """Start what is missing: one, or two where the one there may die as well."""
        while len([one for one in self._all if one.poll() is None and one.pid != gone]) < 2:
            fail_at = f"{point}:{self._chance.randrange(1, 20)}" if point else ""
            self._all.append(self._stack.manage("evaluate_alerts", FAIL_AT=fail_at))

    def are_without(self, victim: int) -> bool:
        """Whether somebody else evaluates; who was to do so may have died by itself."""
        self.fill(gone=victim)
        return _is_replaced(victim)

    def keep_up(self, client: redis.Redis) -> bool:
        self.fill()
        return _age(client) < 1

    def said(self) -> str:
        return "\n".join(f"--- {one.pid}\n{self._stack.output(one)}" for one in self._all)[-20_000:]


def test_each_crossing_fires_once_whoever_is_killed(live_stack: LiveStack, redis_client: redis.Redis):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    _alerts(chance)
    stream.ensure_group(redis_client, GROUP)
    members = Members(live_stack, chance)
    oldest = 0.0
    _wait(lambda: _holder() > 0, members.said)
    with Load(redis_client, chance) as load:
        for number in range(KILLS):
            members.fill(POINTS[number % len(POINTS)])
            time.sleep(chance.uniform(0.5, 2.0))
            _wait(lambda: _holder() > 0, members.said)
            victim = _holder()
            hangs = number % 3 == 1
            _send(victim, signal.SIGSTOP if hangs else signal.SIGKILL)
            members.fill(gone=victim)
            _wait(partial(members.are_without, victim), members.said)
            oldest = max(oldest, _age(redis_client))
            if hangs:
                # It goes on where it was, while somebody else has its work.
                _send(victim, signal.SIGCONT)
            _wait(partial(members.keep_up, redis_client), members.said)
    _wait(lambda: _is_idle(redis_client), members.said)
    _wait(lambda: not Notification.objects.filter(told_at=None).exists(), members.said)
    ticks = sum(map(len, load.prices.values()))
    firings = Notification.objects.count()
    print(f"{ticks} ticks, {firings} firings; at most {oldest:.1f} s behind, {load.late:.1f} s late")
    if oldest + load.late > FRESH_FOR.total_seconds() - 20:
        pytest.skip("the machine was so busy that ticks grew stale, which fire nothing")

    fired: dict[UUID | None, list[Decimal | None]] = defaultdict(list)
    for alert_id, value in Notification.objects.order_by("number").values_list("alert_id", "value"):
        fired[alert_id].append(value)
    alerts = list(Alert.objects.select_related("stock"))
    wrong = []
    for alert in alerts:
        assert alert.stock is not None
        assert alert.threshold is not None
        expected = _expected(alert.condition, int(alert.threshold), load.prices[alert.stock.code])
        if fired[alert.pk] != expected:
            wrong.append((alert.stock.code, alert.condition, alert.threshold, expected, fired[alert.pk]))
        assert alert.times_fired == len(fired[alert.pk])
    assert len(alerts) == (STOCKS + 1) * ALERTS_EACH
    assert wrong == [], f"{wrong[:5]}\n{members.said()}"
    assert firings > 500
    assert not Notification.objects.filter(stock_code=STALE).exists()
    _assert_rooms(redis_client)


def _assert_rooms(client: redis.Redis) -> None:
    """Every room holds what its user was told, in order and once: as much of it as a room keeps."""
    by_user: dict[UUID, list[str]] = defaultdict(list)
    for user_id, notification_id in Notification.objects.order_by("number").values_list("user_id", "id"):
        by_user[user_id].append(str(notification_id))
    for user_id, told in by_user.items():
        messages = logged(client, user_id)
        assert [message["data"]["id"] for message in messages] == told[-len(messages) :]
        assert messages[-1]["sequence"] == len(told)
        assert int(client.hget(keys.POSITIONS, f"alert:{user_id}") or 0) == len(told)
