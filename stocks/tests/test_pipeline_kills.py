"""Consumers die again and again under load, at named points and at any moment: nothing is lost or doubled.

`STOCKROOM_KILLS` says how many kills (200 in full), `STOCKROOM_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from django.conf import settings
from django.db import connection

from realtime import keys
from realtime.protocol.envelope import Envelope
from realtime.tests.bus import heard, held
from realtime.tests.harness import Member, member_of, running_hub
from realtime.tests.servers import OwnValkey
from stocks import stream
from stocks.dead_letters import dead_letters, dead_letters_replay
from stocks.minutes import join
from stocks.providers.protocol import Update
from stocks.quotes import last_ticks
from stocks.tests.factories import StockFactory
from stocks.tests.nursery import Nursery
from stocks.tests.tick_cases import minutes_of, stored_minutes, tick, update
from stocks.types import Tick

KILLS = int(os.environ.get("STOCKROOM_KILLS", "12"))
SEED = int(os.environ.get("STOCKROOM_SEED") or random.randrange(10**6))
POINTS = {
    "live": ("after_read", "after_publish"),
    "store": ("after_read", "mid_transaction", "after_commit"),
}
CODES = [f"{number:06d}" for number in range(40)]

pytestmark = pytest.mark.timeout(180 + 20 * KILLS)


class Load:
    """Appends entries of a dozen ticks until it is stopped, and remembers each tick."""

    def __init__(self, client: redis.Redis, chance: random.Random) -> None:
        self.appended: list[Tick] = []
        self._client = client
        self._chance = chance
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=60)
            assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            one = update(*map(self._tick, self._chance.sample(CODES, 12)))
            # Now and then twice, as when the answer of Redis is lost on its way.
            for _ in range(2 if self._chance.random() < 0.05 else 1):
                self._append(one)
            self.appended += one.ticks

    def _append(self, one: Update) -> None:
        """Until Redis has said that it was taken."""
        deadline = time.monotonic() + 50
        while True:
            try:
                stream.append(self._client, one)
            except redis.RedisError:
                assert time.monotonic() < deadline, "Redis does not come back"
                time.sleep(0.05)
            else:
                return

    def _tick(self, code: str) -> Tick:
        self._number += 1
        late = self._chance.random() < 0.1
        as_of = datetime.now(UTC) - timedelta(seconds=self._chance.uniform(1, 200) if late else 0)
        # One in fifty has a price that no row holds.
        price = self._number + (10**11 if self._chance.random() < 0.02 else 0)
        one = tick(code, str(price), as_of=as_of, source="sandbox", seq=self._number)
        return replace(one, volume=self._number, received_at=as_of)


class Watcher:
    """A member of every price room, in a hub and a thread of its own."""

    def __init__(self) -> None:
        self._member: Member | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()))
        self._thread.start()
        _wait(lambda: self._member is not None)

    async def _watch(self) -> None:
        async with running_hub() as hub:
            self._member = await member_of(hub, *(f"price:{code}" for code in CODES))
            await asyncio.to_thread(self._stop.wait)

    def volumes(self) -> dict[str, int]:
        """By code the running volume that it was told last."""
        assert self._member is not None
        assert self._member.transport.closed is None
        return {one["stock_code"]: one["data"]["volume"] for one in self._member.transport.messages}

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=60)


class Rooms:
    """Every message that is published, as it comes."""

    def __init__(self, client: redis.Redis) -> None:
        self.heard: dict[str, list[Envelope]] = {}
        database = int(client.get_connection_kwargs().get("db") or 0)
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.psubscribe(keys.channel(database, "*"), keys.bundles(database, "*"))
        for _ in range(2):
            self._pubsub.get_message(timeout=5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            if (message := self._pubsub.get_message(timeout=0.1)) is not None:
                for room, envelope in heard(message):
                    self.heard.setdefault(room, []).append(envelope)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        self._pubsub.close()


@contextlib.contextmanager
def _nursery(log: Path, redis_url: str) -> Iterator[Nursery]:
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "stocks.tests.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": database.geturl(),
                "REDIS_URL": redis_url,
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
        )
    try:
        yield Nursery(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)
        print(log.read_text()[-4000:])


@pytest.fixture
def nursery(transactional_db: None, tmp_path: Path) -> Iterator[Nursery]:
    with _nursery(tmp_path / "nursery.log", os.environ["REDIS_URL"]) as nursery:
        yield nursery


@pytest.fixture
def rooms(redis_client: redis.Redis) -> Iterator[Rooms]:
    rooms = Rooms(redis_client)
    yield rooms
    rooms.close()


@pytest.fixture
def load(redis_client: redis.Redis) -> Iterator[Load]:
    print(f"STOCKROOM_SEED={SEED} STOCKROOM_KILLS={KILLS}")
    load = Load(redis_client, random.Random(SEED))
    yield load
    load.stop()


@pytest.fixture
def listed(transactional_db: None) -> None:
    for code in CODES:
        StockFactory.create(code=code, sector="Technology")


def _settled(client: redis.Redis) -> None:
    _wait(lambda: all(lag.behind == 0 and lag.pending == 0 for lag in stream.lags(client).values()))


def _read_by(client: redis.Redis, group: str) -> int:
    """How many entries the group was given so far."""
    (found,) = [one for one in client.xinfo_groups(stream.STREAM) if one["name"] == group.encode()]
    return int(found["entries-read"] or 0)


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline, "it was not reached within two minutes"
        time.sleep(0.02)


def _newest(ticks: list[Tick]) -> dict[str, Tick]:
    newest: dict[str, Tick] = {}
    for one in sorted(ticks, key=lambda one: (one.as_of, one.seq)):
        newest[one.code] = one
    return newest


def _volume(envelope: Envelope) -> int:
    """The running volume, which is another one in each tick."""
    volume: int = json.loads(envelope.message)["data"]["volume"]
    return volume


def _assert_rooms_hold_the_quotes(client: redis.Redis, codes: set[str]) -> None:
    quotes = last_ticks()
    for code in codes:
        newest = held(client, f"price:{code}")
        data = json.loads(newest.message, parse_float=Decimal)["data"]
        assert (data["volume"], data["current_price"]) == (quotes[code].volume, quotes[code].price)
        for room in ("market:KOSPI", "sector:Technology"):
            assert _volume(held(client, room, code)) == quotes[code].volume


def test_kills_at_any_point_lose_and_double_nothing(nursery, listed, load, rooms, redis_client):
    chance = random.Random(SEED + 1)
    stream.ensure_groups(redis_client)
    steady = {group: nursery.spawn(group) for group in stream.GROUPS}
    load.start()
    for _ in range(KILLS):
        group = chance.choice(stream.GROUPS)
        if chance.random() < 0.6:
            point = f"{chance.choice(POINTS[group])}:{chance.randint(1, 4)}"
            victim = nursery.spawn(group, point)
        else:
            point, victim = "any moment", steady[group]
            time.sleep(chance.uniform(0, 0.3))
            nursery.kill(victim)
            steady[group] = nursery.spawn(group)
        assert nursery.wait(victim, 120) == -signal.SIGKILL, f"{group} did not die at {point}"
    load.stop()
    _settled(redis_client)
    # An entry that was in hand at five deaths looks like their cause. It was kept, and is not lost.
    letters = dead_letters()
    assert all("consumers did not finish it" in letter.reason for letter in letters)
    dead_letters_replay()
    _settled(redis_client)

    assert last_ticks() == _newest(load.appended)
    assert stored_minutes() == minutes_of(load.appended)
    _assert_rooms_hold_the_quotes(redis_client, set(CODES))
    rooms.close()
    for room, envelopes in rooms.heard.items():
        assert [one.position.sequence for one in envelopes] == list(range(1, len(envelopes) + 1)), room
        by_code: dict[bytes, list[Envelope]] = {}
        for one in envelopes:
            by_code.setdefault(one.key, []).append(one)
        for key, told in by_code.items():
            volumes = [_volume(one) for one in told]
            assert len(set(volumes)) == len(volumes), f"{room} {key!r} was told something twice"
            moments = [json.loads(one.message)["data"]["timestamp"] for one in told]
            assert moments == sorted(moments), f"{room} {key!r} fell back"
    for pid in steady.values():
        nursery.term(pid)
        assert nursery.wait(pid, 60) == 0
    print(f"{KILLS} kills, {len(load.appended)} ticks, {len(letters)} dead letters replayed")


def test_an_emptied_redis_loses_nothing_that_was_stored_and_goes_on(nursery, listed, load, redis_client):
    members = [nursery.spawn(group) for group in stream.GROUPS]
    stream.ensure_groups(redis_client)
    load.start()
    _wait(lambda: len(load.appended) > 1_000 and len(last_ticks()) == len(CODES))
    redis_client.flushdb()
    # A consumer that has handled a later entry has finished what was in its hand when Redis was emptied.
    flushed = len(load.appended)
    _wait(lambda: len(load.appended) > flushed + 100)
    load.stop()
    _settled(redis_client)
    quotes, minutes = last_ticks(), stored_minutes()
    before = len(load.appended)

    load.start()
    _wait(lambda: len(load.appended) > before + 1_000)
    load.stop()
    _settled(redis_client)
    later = load.appended[before:]
    assert last_ticks() == _newest([*quotes.values(), *later])
    expected = {(minute.code, minute.start): minute for minute in minutes}
    for minute in minutes_of(later):
        key = (minute.code, minute.start)
        expected[key] = join(expected[key], minute) if key in expected else minute
    assert stored_minutes() == set(expected.values())
    _assert_rooms_hold_the_quotes(redis_client, {one.code for one in later})
    assert all(pid not in nursery.ended for pid in members), "a consumer ended"


def test_a_paused_consumer_that_wakes_up_after_others_took_its_entries_does_no_harm(
    nursery, listed, load, rooms, redis_client
):
    stream.ensure_groups(redis_client)
    paused = {group: nursery.spawn(group) for group in stream.GROUPS}
    load.start()
    _wait(lambda: all(_read_by(redis_client, group) > 20 for group in paused))
    for group, pid in paused.items():
        _pause_with_entries(redis_client, group, pid)
    others = [nursery.spawn(group) for group in stream.GROUPS]
    before = len(load.appended)
    _wait(lambda: len(load.appended) > before + 1_000)
    load.stop()
    _settled(redis_client)
    for pid in paused.values():
        os.kill(pid, signal.SIGCONT)
    _settled(redis_client)
    assert last_ticks() == _newest(load.appended)
    assert stored_minutes() == minutes_of(load.appended)
    _assert_rooms_hold_the_quotes(redis_client, set(CODES))
    for pid in (*paused.values(), *others):
        nursery.term(pid)
        assert nursery.wait(pid, 60) == 0


def _has_grown(load: Load, count: int) -> bool:
    return len(load.appended) > count


def test_a_consumer_that_is_paused_within_a_transaction_does_not_keep_its_rows(
    nursery, listed, load, redis_client
):
    stream.ensure_groups(redis_client)
    # It stops itself between the two statements of its transaction.
    paused = nursery.spawn("store", "mid_transaction:3:STOP")
    load.start()
    _wait(lambda: stream.lags(redis_client)["store"].pending > 0 and _is_stopped(paused))
    others = [nursery.spawn(group) for group in stream.GROUPS]
    before = len(load.appended)
    _wait(lambda: len(load.appended) > before + 500)
    load.stop()
    _settled(redis_client)
    assert last_ticks() == _newest(load.appended)
    os.kill(paused, signal.SIGCONT)
    for pid in (paused, *others):
        nursery.term(pid)
        assert nursery.wait(pid, 60) == 0
    assert stored_minutes() == minutes_of(load.appended)


def _pause_with_entries(client: redis.Redis, group: str, pid: int) -> None:
    """Stop it at a moment when it holds entries, or waits for some and is given the next one."""
    for _ in range(20):
        os.kill(pid, signal.SIGSTOP)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if stream.lags(client)[group].pending:
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)
    pytest.fail("it never held an entry when it was stopped")


def _is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_a_redis_that_is_killed_keeps_what_it_has_taken(listed, tmp_path):
    valkey = OwnValkey(tmp_path, "--appendonly", "yes")
    valkey.start()
    # A connection of its own: those of the other client are cut with the server.
    load = Load(redis.Redis.from_url(valkey.url), random.Random(SEED))
    try:
        with _nursery(tmp_path / "nursery.log", valkey.url) as nursery:
            members = [nursery.spawn(group) for group in stream.GROUPS]
            load.start()
            for _ in range(3):
                before = len(load.appended)
                _wait(partial(_has_grown, load, before + 500))
                valkey.kill()
                valkey.start()
            load.stop()
            _settled(valkey.client)
            assert last_ticks() == _newest(load.appended)
            assert stored_minutes() == minutes_of(load.appended)
            _assert_rooms_hold_the_quotes(valkey.client, set(CODES))
            assert all(pid not in nursery.ended for pid in members), "a consumer ended"
    finally:
        load.stop()
        valkey.close()


def test_what_is_seen_comes_to_the_stored_quotes_within_two_seconds(listed, tmp_path, settings):
    """Redis is killed and comes back empty, and the consumers are killed, all under load."""
    valkey = OwnValkey(tmp_path)
    valkey.start()
    settings.REDIS_URL = valkey.url
    load = Load(redis.Redis.from_url(valkey.url), random.Random(SEED))
    watcher = Watcher()
    try:
        with _nursery(tmp_path / "nursery.log", valkey.url) as nursery:
            members = {group: nursery.spawn(group) for group in stream.GROUPS}
            for _ in range(3):
                before = len(load.appended)
                load.start()
                _wait(partial(_has_grown, load, before + 500))
                valkey.kill()
                valkey.start()
                for group, pid in members.items():
                    nursery.kill(pid)
                    members[group] = nursery.spawn(group)
                before = len(load.appended)
                _wait(partial(_has_grown, load, before + 300))
                load.stop()
                _settled(valkey.client)
                stored = {code: one.volume for code, one in last_ticks().items()}
                deadline = time.monotonic() + 2
                while watcher.volumes() != stored:
                    assert time.monotonic() < deadline, "what is seen is not what is stored"
                    time.sleep(0.05)
    finally:
        load.stop()
        watcher.close()
        valkey.close()
