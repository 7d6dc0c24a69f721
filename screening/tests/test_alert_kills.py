"""10,000 alerts under 2,000 ticks a second, several processes that die or hang: each crossing fires once.

What must have fired is worked out from all that was appended, by rules said in other words. `STOCKROOM_KILLS`
says how many kills (3 where it says nothing), `STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import redis

from accounts.tests.factories import UserFactory
from realtime import keys
from screening.alerts.evaluator import GROUP
from screening.models import Alert, Notification
from screening.tests.killing import Evaluators, wait
from screening.tests.test_alert_rooms import logged
from stocks import stream
from stocks.models import Stock
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


def test_each_crossing_fires_once_whoever_is_killed(live_stack: LiveStack, redis_client: redis.Redis):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    _alerts(chance)
    stream.ensure_group(redis_client, GROUP)
    evaluators = Evaluators(live_stack, redis_client, chance, command="evaluate_alerts", group=GROUP)
    wait(lambda: evaluators.holder() > 0, evaluators.said)
    with Load(redis_client, chance) as load:
        evaluators.kill(KILLS)
    wait(evaluators.is_idle, evaluators.said)
    wait(lambda: not Notification.objects.filter(told_at=None).exists(), evaluators.said)
    ticks = sum(map(len, load.prices.values()))
    firings = Notification.objects.count()
    print(
        f"{ticks} ticks, {firings} firings; at most {evaluators.oldest:.1f} s behind, {load.late:.1f} s late"
    )
    if evaluators.oldest + load.late > FRESH_FOR.total_seconds() - 20:
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
    assert wrong == [], f"{wrong[:5]}\n{evaluators.said()}"
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
