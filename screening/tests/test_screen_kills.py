"""Live screens under ticks, while the processes that evaluate them die or hang: each crossing is told once.

`STOCKROOM_KILLS` says how many kills (3 where it says nothing), `STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import redis

from accounts.tests.factories import UserFactory
from realtime import keys
from realtime.protocol.envelope import unpack
from realtime.tests.servers import OwnValkey
from screening.live.reading import GROUP
from screening.models import LiveScreen, Notification, SavedScreen, ScreenBatch
from screening.services.alerts import alert_create
from screening.tests.killing import Evaluators, wait
from screening.tests.live_cases import CLOSE, at, listed, members, saved
from stocks import stream
from stocks.models import Stock
from stocks.sessions import FRESH_FOR
from stocks.tests.factories import QuoteFactory
from stocks.tests.tick_cases import update

if TYPE_CHECKING:
    from config.testing import LiveStack

KILLS = min(int(os.environ.get("STOCKROOM_KILLS", "3")), 40)
SEED = int(os.environ.get("STOCKROOM_SEED") or random.randrange(10**6))
# Fewer than a room is told of at once, so that it is told who all of its members are.
STOCKS, SCREENS = 80, 24
PER_ENTRY, PER_SECOND = 20, 400

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400 + 60 * KILLS)]


class Load(threading.Thread):
    """Prices that walk up and down, appended at a steady rate until it is stopped."""

    def __init__(self, client: redis.Redis, chance: random.Random) -> None:
        super().__init__()
        self.prices = {f"S{number:02d}": 100 for number in range(STOCKS)}
        self.late = 0.0
        self._client = client
        self._chance = chance
        self._ends = threading.Event()

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.join(timeout=60)
        assert not self.is_alive()

    def run(self) -> None:
        due = time.monotonic()
        while not self._ends.is_set():
            codes = self._chance.choices(list(self.prices), k=PER_ENTRY)
            one = update(*(self._tick(code) for code in codes))
            # Now and then twice, as when the answer of Redis is lost on its way.
            for _ in range(2 if self._chance.random() < 0.05 else 1):
                stream.append(self._client, one)
            due += PER_ENTRY / PER_SECOND
            left = due - time.monotonic()
            self.late = max(self.late, -left)
            self._ends.wait(max(left, 0))

    def _tick(self, code: str) -> Any:
        step = self._chance.choice((-2, -1, 1, 2))
        self.prices[code] = min(max(self.prices[code] + step, 70), 140)
        return at(self.prices[code], code, previous_close=Decimal(CLOSE))


class Room(threading.Thread):
    """Somebody who is in the rooms of all screens and writes everything down."""

    def __init__(self, client: redis.Redis, screens: list[SavedScreen]) -> None:
        super().__init__(daemon=True)
        self.told: dict[str, list[dict[str, Any]]] = {str(one.pk): [] for one in screens}
        self._ends = threading.Event()
        database = int(client.get_connection_kwargs().get("db") or 0)
        self._link = client.pubsub(ignore_subscribe_messages=True)
        self._link.subscribe(*(keys.channel(database, f"screen:{one.pk}") for one in screens))

    def __enter__(self) -> Room:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.join(timeout=30)
        self._link.close()

    def run(self) -> None:
        while not self._ends.is_set():
            if (message := self._link.get_message(timeout=0.1)) is not None:
                body = json.loads(unpack(message["data"]).message)
                self.told[body["room"].partition(":")[2]].append(body)

    def members(self, screen: SavedScreen) -> set[str]:
        """Who is in the screen by what was told, which must say nothing twice and leave nothing out."""
        inside: set[str] = set()
        begun = False
        for before, body in enumerate(self.told[str(screen.pk)]):
            assert body["sequence"] == before + 1, "an event is lost"
            data = body["data"]
            if data["event"] == "members":
                inside, begun = {row["code"] for row in data["stocks"]}, True
                assert len(inside) == data["total"]
            elif data["event"] in ("enter", "leave"):
                assert begun
                assert (data["stock_code"] in inside) == (data["event"] == "leave"), data
                (inside.add if data["event"] == "enter" else inside.discard)(data["stock_code"])
        return inside

    def crossings(self, screen: SavedScreen, event: str) -> Counter[str]:
        """How often each stock entered, or left."""
        told = (body["data"] for body in self.told[str(screen.pk)])
        return Counter(data["stock_code"] for data in told if data["event"] == event)


def _screens(chance: random.Random) -> list[SavedScreen]:
    user = UserFactory.create(tier="pro")
    for number in range(STOCKS):
        listed(f"S{number:02d}", pbr=chance.uniform(0.5, 3))
    found = []
    for number in range(SCREENS):
        bound = chance.randrange(80, 125)
        q = (f"close_price > {bound}", f"close_price < {bound}", f"pbr < 2 and change_1d > {bound - 100}")[
            number % 3
        ]
        found.append(saved(q, user))
    return found


def _expected(screen: SavedScreen, prices: dict[str, int]) -> set[str]:
    """Who must be in a screen, by the words it asks in."""
    field, _, rest = screen.asked["q"].rpartition("and ")[2].partition(" ")
    op, bound = rest.split()
    ratios: dict[str, Any] = dict(Stock.objects.values_list("code", "indicators__pbr"))
    found = set()
    for code, price in prices.items():
        value = price if field == "close_price" else price - 100
        cheap = field == "close_price" or ratios[code] * price / 100 < 2
        if cheap and (value > int(bound) if op == ">" else value < int(bound)):
            found.add(code)
    return found


def test_each_crossing_is_told_once_whoever_is_killed(live_stack: LiveStack, redis_client: redis.Redis):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    screens = _screens(chance)
    alerts = {
        (one.pk, condition): alert_create(
            user=one.user, kind="screen", condition=condition, screen_id=one.pk, now=datetime.now(UTC)
        )
        for one in screens[:6]
        for condition in ("enters", "leaves")
    }
    stream.ensure_group(redis_client, GROUP)
    with Room(redis_client, screens) as room:
        evaluators = Evaluators(live_stack, redis_client, chance, command="evaluate_screens", group=GROUP)
        wait(lambda: all(room.told.values()), evaluators.said)
        with Load(redis_client, chance) as load:
            evaluators.kill(KILLS)
        wait(evaluators.is_idle, evaluators.said)
        wait(lambda: not ScreenBatch.objects.filter(told_at=None).exists(), evaluators.said)
        time.sleep(0.5)
    if evaluators.oldest + load.late > FRESH_FOR.total_seconds() - 20:
        pytest.skip("the machine was so busy that ticks grew stale, which let nothing enter")
    events = sum(len(told) for told in room.told.values())
    print(f"{events} events; at most {evaluators.oldest:.1f} s behind, {load.late:.1f} s late")
    for screen in screens:
        expected = _expected(screen, load.prices)
        assert room.members(screen) == expected, screen.asked
        assert set(members(screen)) == expected
    fired = {
        (one.pk, event): Counter(
            Notification.objects.filter(alert=alerts[one.pk, f"{event}s"]).values_list(
                "stock_code", flat=True
            )
        )
        for one in screens[:6]
        for event in ("enter", "leave")
    }
    assert sum(map(sum, (one.values() for one in fired.values()))) > 0
    for one in screens[:6]:
        for event in ("enter", "leave"):
            assert fired[one.pk, event] == room.crossings(one, event)


def test_a_redis_that_was_emptied_loses_no_member_and_doubles_none(live_stack: LiveStack, tmp_path):
    listed("A"), listed("B", 120), listed("C")
    screen = saved()
    valkey = OwnValkey(tmp_path)
    valkey.start()
    try:
        process = live_stack.manage("evaluate_screens", REDIS_URL=valkey.url)
        said = partial(live_stack.output, process)
        with redis.Redis.from_url(valkey.url) as client, Room(client, [screen]) as room:
            wait(lambda: LiveScreen.objects.filter(told=True).exists(), said)
            stream.append(client, update(at(115, "A")))
            wait(lambda: room.crossings(screen, "enter")["A"] == 1, said)
        valkey.kill()
        # Stored by the other consumer before Redis died.
        QuoteFactory.create(
            stock=Stock.objects.get(code="C"), price=Decimal(130), as_of=datetime.now(UTC), source="sandbox"
        )
        time.sleep(1)
        valkey.start()
        with redis.Redis.from_url(valkey.url) as client, Room(client, [screen]) as room:
            wait(lambda: room.crossings(screen, "enter")["C"] == 1, said)
            wait(lambda: GROUP in stream.lags(client), said)
            stream.append(client, update(at(100, "B")))
            wait(lambda: room.crossings(screen, "leave")["B"] == 1, said)
            time.sleep(1)
            assert room.crossings(screen, "enter") == Counter("C")
            assert room.crossings(screen, "leave") == Counter("B")
        assert members(screen) == ["A", "C"]
    finally:
        valkey.close()
