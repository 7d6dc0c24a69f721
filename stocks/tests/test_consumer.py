from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, OperationalError
from redis.exceptions import OutOfMemoryError, ResponseError

from stocks import consumer as consumers
from stocks import stream
from stocks.batch import Batch
from stocks.consumer import MAX_DELIVERIES, TickConsumer
from stocks.models import Quote
from stocks.quotes import write_quotes
from stocks.store import QuoteWriter
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import tick, update


class Seen:
    """A handler that remembers the codes it was given."""

    def __init__(self, act: Callable[[list[str]], None] = lambda codes: None) -> None:
        self.codes: list[str] = []
        self._act = act

    def __call__(self, batch: Batch) -> None:
        codes = [batch.codes[number] for number in batch.code]
        self._act(codes)
        self.codes += codes


def _consumer(client, handle, **options) -> TickConsumer:
    return TickConsumer(group="store", handle=handle, client=client, **options)


def _append(client, *codes: str) -> None:
    for code in codes:
        stream.append(client, update(tick(code)))


def _pending(client) -> int:
    return client.xpending(stream.STREAM, "store")["pending"]


def _dead(client) -> list[dict[bytes, bytes]]:
    return [fields for _, fields in client.xrange(stream.dead_stream("store"))]


def _run_until(consumer: TickConsumer, reached: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    try:
        while not reached():
            assert time.monotonic() < deadline, "it was not reached within a minute"
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join(timeout=60)
    assert not thread.is_alive()


def test_entries_are_handled_in_order_and_acknowledged(redis_client):
    _append(redis_client, "A", "B", "C")
    seen = Seen()
    _run_until(_consumer(redis_client, seen), lambda: len(seen.codes) == 3)
    assert seen.codes == ["A", "B", "C"]
    assert _pending(redis_client) == 0


def test_what_stood_in_the_stream_before_the_group_was_made_is_handled(redis_client):
    _append(redis_client, "A")
    seen = Seen()
    consumer = _consumer(redis_client, seen)
    assert [consumer.step(), consumer.step()] == [0, 1]
    assert seen.codes == ["A"]


def test_two_consumers_of_a_group_share_its_entries(redis_client, monkeypatch):
    monkeypatch.setattr(consumers, "BATCH", 3)
    _append(redis_client, *"ABCDE")
    one, other = Seen(), Seen()
    first, second = _consumer(redis_client, one), _consumer(redis_client, other)
    for consumer in (first, first, second):
        consumer.step()
    assert (one.codes, other.codes) == (["A", "B", "C"], ["D", "E"])
    assert _pending(redis_client) == 0


def test_an_entry_that_cannot_be_read_is_buried_and_the_others_are_handled(redis_client):
    _append(redis_client, "A")
    redis_client.xadd(stream.STREAM, {b"batch": b'{"v": 99}'})
    redis_client.xadd(stream.STREAM, {b"something": b"else"})
    _append(redis_client, "B")
    seen = Seen()
    _run_until(_consumer(redis_client, seen), lambda: len(seen.codes) == 2)
    assert seen.codes == ["A", "B"]
    assert _pending(redis_client) == 0
    unknown, odd = _dead(redis_client)
    assert unknown[b"batch"] == b'{"v": 99}'
    assert unknown[b"group"] == b"store"
    assert b"99" in unknown[b"reason"]
    assert odd[b"something"] == b"else"


def test_an_entry_that_the_database_refuses_is_buried_alone(redis_client):
    _append(redis_client, "A", "BAD", "C")

    def refuse(codes: list[str]) -> None:
        if "BAD" in codes:
            raise DataError("out of range")

    seen = Seen(refuse)
    _run_until(_consumer(redis_client, seen), lambda: len(seen.codes) == 2)
    assert seen.codes == ["A", "C"]
    assert [fields[b"reason"] for fields in _dead(redis_client)] == [b"DataError: out of range"]
    assert _pending(redis_client) == 0


@pytest.mark.parametrize("error", [OperationalError("the server is away"), OutOfMemoryError("OOM command")])
def test_nothing_is_lost_while_a_store_is_away(redis_client, error):
    _append(redis_client, "A", "B")
    failures = iter([error] * (MAX_DELIVERIES + 2))
    monkey = Seen(lambda codes: _raise_next(failures))
    consumer = _consumer(redis_client, monkey)
    consumer.step()
    for _ in range(MAX_DELIVERIES + 2):
        with pytest.raises(type(error)):
            consumer.step()
    assert _pending(redis_client) == 2
    consumer.step()
    assert monkey.codes == ["A", "B"]
    assert _pending(redis_client) == 0
    assert _dead(redis_client) == []


def _raise_next(failures) -> None:
    if (error := next(failures, None)) is not None:
        raise error


def test_the_loop_itself_waits_out_an_absence(redis_client):
    _append(redis_client, "A")
    failures = iter([OperationalError("away"), OperationalError("away")])
    seen, told = Seen(lambda codes: _raise_next(failures)), []
    consumer = _consumer(redis_client, seen, on_return=lambda: told.append(len(seen.codes)))
    _run_until(consumer, lambda: seen.codes == ["A"])
    assert told[:3] == [0, 0, 0], "it is told at the start and after each absence"


def test_what_nobody_foresaw_ends_the_process(redis_client):
    _append(redis_client, "A")

    def fail(codes: list[str]) -> None:
        raise KeyError("a programming error")

    consumer = _consumer(redis_client, Seen(fail))
    with pytest.raises(KeyError):
        consumer.run(threading.Event())
    assert _pending(redis_client) == 1


def test_what_a_dead_consumer_left_is_taken_over(redis_client):
    _append(redis_client, "A", "B")
    stream.ensure_groups(redis_client)
    redis_client.xreadgroup("store", "dead", {stream.STREAM: ">"})
    _append(redis_client, "C")
    seen = Seen()
    consumer = _consumer(redis_client, seen, reclaim_idle_ms=0)
    _run_until(consumer, lambda: len(seen.codes) >= 3)
    assert seen.codes[:2] == ["A", "B"]
    assert _pending(redis_client) == 0


def test_as_it_runs_in_production_an_entry_is_taken_over_within_a_minute(redis_client):
    _append(redis_client, "A")
    stream.ensure_groups(redis_client)
    ((_, ((entry_id, _),)),) = redis_client.xreadgroup("store", "dead", {stream.STREAM: ">"})
    # It died fourteen seconds ago.
    redis_client.xclaim(stream.STREAM, "store", "dead", 0, [entry_id], idle=14_000)
    started = time.monotonic()
    seen = Seen()
    _run_until(_consumer(redis_client, seen), lambda: seen.codes == ["A"])
    assert 20 <= 14 + time.monotonic() - started <= 60


def test_what_a_living_consumer_works_on_is_left_to_it(redis_client):
    _append(redis_client, "A")
    stream.ensure_groups(redis_client)
    redis_client.xreadgroup("store", "alive", {stream.STREAM: ">"})
    seen = Seen()
    consumer = _consumer(redis_client, seen)
    consumer.step()
    assert seen.codes == []
    assert _pending(redis_client) == 1


def test_an_entry_that_ends_every_process_is_buried_and_the_rest_goes_on(redis_client):
    _append(redis_client, "KILLER", "GOOD")

    def fall(codes: list[str]) -> None:
        if "KILLER" in codes:
            raise RuntimeError("as a crash does")

    deaths = 0
    seen = Seen(fall)
    for _ in range(MAX_DELIVERIES + 3):
        consumer = _consumer(redis_client, seen, reclaim_idle_ms=0, reclaim_every_seconds=0)
        try:
            for _ in range(3):
                consumer.step()
        except RuntimeError:
            deaths += 1
    assert deaths == MAX_DELIVERIES
    assert seen.codes == ["GOOD"]
    assert len(_dead(redis_client)) == 1
    assert _pending(redis_client) == 0


def test_what_ends_its_consumers_takes_fewer_and_fewer_others_with_it(redis_client):
    codes = [f"{number:03d}" for number in range(100)]
    _append(redis_client, *codes[:50], "KILLER", *codes[50:])
    stream.ensure_groups(redis_client)
    redis_client.xreadgroup("store", "dead", {stream.STREAM: ">"})
    taken: list[int] = []

    def fall(given: list[str]) -> None:
        taken.append(len(given))
        if "KILLER" in given:
            raise RuntimeError("as a crash does")

    seen = Seen(fall)
    while redis_client.xpending(stream.STREAM, "store")["pending"]:
        consumer = _consumer(redis_client, seen, reclaim_idle_ms=0, reclaim_every_seconds=0)
        with contextlib.suppress(RuntimeError):
            consumer.step()
        assert len(taken) < 100
    assert sorted(seen.codes) == codes
    assert taken[0] == 101
    assert max(taken[1:]) == 30
    assert len(_dead(redis_client)) == 1


def test_a_wrong_entry_among_a_thousand_is_found_by_halving(redis_client):
    codes = [f"{number:04d}" for number in range(1000)]
    codes[700] = "BAD"
    _append(redis_client, *codes)
    calls = 0

    def refuse(given: list[str]) -> None:
        nonlocal calls
        calls += 1
        if "BAD" in given:
            raise DataError("out of range")

    seen = Seen(refuse)
    consumer = _consumer(redis_client, seen)
    while not seen.codes:
        consumer.step()
    assert seen.codes == [code for code in codes if code != "BAD"]
    assert calls <= 25
    assert len(_dead(redis_client)) == 1
    assert _pending(redis_client) == 0


def test_a_consumer_that_keeps_up_waits_for_more_and_one_that_lags_does_not(redis_client, monkeypatch):
    monkeypatch.setattr(consumers, "BATCH", 2)
    stream.ensure_groups(redis_client)
    moments: list[tuple[float, int]] = []
    consumer = _consumer(
        redis_client,
        lambda batch: moments.append((time.monotonic(), len(batch.code))),
        every_seconds=0.5,
    )
    _append(redis_client, *"ABCDEFG")
    stop = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        _wait(lambda: len(moments) == 4)
        _append(redis_client, "H", "I")
        _wait(lambda: len(moments) == 5)
    finally:
        stop.set()
        thread.join(timeout=60)
    times = [moment for moment, _ in moments]
    assert [count for _, count in moments] == [2, 2, 2, 1, 2]
    assert times[3] - times[0] < 0.45
    assert times[4] - times[3] > 0.45


def test_entries_that_were_deleted_while_pending_are_let_go(redis_client, caplog):
    _append(redis_client, "A", "B")
    stream.ensure_groups(redis_client)
    ((_, entries),) = redis_client.xreadgroup("store", "dead", {stream.STREAM: ">"})
    redis_client.xdel(stream.STREAM, entries[0][0])
    seen = Seen()
    _run_until(_consumer(redis_client, seen, reclaim_idle_ms=0), lambda: seen.codes == ["B"])
    assert _pending(redis_client) == 0
    assert "1 entries were deleted unread" in caplog.text
    assert stream.lags(redis_client)["store"].lost == 1


def test_an_emptied_redis_is_begun_again(redis_client):
    _append(redis_client, "A")
    seen, told = Seen(), []
    stop = threading.Event()
    consumer = _consumer(redis_client, seen, on_return=lambda: told.append(list(seen.codes)))
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        _wait(lambda: seen.codes == ["A"] and len(told) == len(consumers.RETURN_SECONDS))
        redis_client.flushdb()
        _append(redis_client, "B")
        _wait(lambda: seen.codes == ["A", "B"] and len(told) == 2 * len(consumers.RETURN_SECONDS))
        # At the start, and as soon as the stream is begun anew: before anything is read from it.
        assert (told[0], told[len(consumers.RETURN_SECONDS)]) == ([], ["A"])
    finally:
        stop.set()
        thread.join(timeout=60)


def test_redis_may_be_emptied_at_any_moment_of_the_loop(redis_client):
    seen = Seen()
    consumer = _consumer(redis_client, seen, reclaim_idle_ms=0, reclaim_every_seconds=0)
    acts: dict[str, Callable[[], Any]] = {
        "reclaim": consumer._reclaim,
        "forget": consumer._forget_idle,
        "read": consumer._read,
    }
    for name, act in acts.items():
        consumer.step()
        redis_client.flushdb()
        with contextlib.suppress(ResponseError):
            act()
        assert consumer.step() == 0
        _append(redis_client, name)
        assert consumer.step() == 1
    assert seen.codes == [*acts]


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "it was not reached within a minute"
        time.sleep(0.02)


def test_a_consumer_that_ends_takes_its_name_along(redis_client):
    _append(redis_client, "A")
    seen = Seen()
    _run_until(_consumer(redis_client, seen), lambda: seen.codes == ["A"])
    assert redis_client.xinfo_consumers(stream.STREAM, "store") == []


def test_a_consumer_that_holds_entries_is_not_forgotten(redis_client, monkeypatch):
    monkeypatch.setattr(consumers, "FORGET_IDLE_MS", -1)
    _append(redis_client, "A")
    stream.ensure_groups(redis_client)
    redis_client.xreadgroup("store", "holder", {stream.STREAM: ">"})
    redis_client.xgroup_createconsumer(stream.STREAM, "store", "gone")
    consumer = _consumer(redis_client, Seen())
    consumer.step()
    names = {one["name"] for one in redis_client.xinfo_consumers(stream.STREAM, "store")}
    assert b"holder" in names
    assert b"gone" not in names


KILLED_BEFORE_ACK = """
import os, signal
import django
django.setup()
import threading
from realtime.redis import worker_client
from stocks.consumer import TickConsumer
from stocks.store import QuoteWriter
write = QuoteWriter().handle
def handle(batch):
    write(batch)
    os.kill(os.getpid(), signal.SIGKILL)
TickConsumer(group="store", handle=handle, client=worker_client()).run(threading.Event())
"""


def test_a_kill_between_commit_and_acknowledgement_has_one_effect(live_stack, redis_client):
    StockFactory.create(code="005930")
    _append(redis_client, "005930")
    killed = live_stack.start(
        sys.executable, "-c", KILLED_BEFORE_ACK, DJANGO_SETTINGS_MODULE="config.settings"
    )
    assert killed.wait(timeout=60) == -9, live_stack.output(killed)
    assert _pending(redis_client) == 1
    first = Quote.objects.extra(select={"row": "xmin::text || ctid::text"}).values_list("row", "price").get()

    handled: list[int] = []
    writer = QuoteWriter()

    def handle(batch) -> None:
        writer.handle(batch)
        handled.append(len(batch.code))

    _run_until(_consumer(redis_client, handle, reclaim_idle_ms=0), lambda: bool(handled))
    assert handled == [1]
    assert _pending(redis_client) == 0
    again = Quote.objects.extra(select={"row": "xmin::text || ctid::text"}).values_list("row", "price").get()
    assert again == first, "the second delivery wrote the row again"


@pytest.mark.django_db(transaction=True)
def test_a_kill_before_the_commit_loses_nothing(redis_client):
    StockFactory.create(code="005930")
    _append(redis_client, "005930")
    stream.ensure_groups(redis_client)
    redis_client.xreadgroup("store", "killed", {stream.STREAM: ">"})
    assert not Quote.objects.exists()
    consumer = _consumer(redis_client, QuoteWriter().handle, reclaim_idle_ms=0)
    consumer.step()
    assert Quote.objects.get().price == 71_000
    assert write_quotes([]).changed == 0
