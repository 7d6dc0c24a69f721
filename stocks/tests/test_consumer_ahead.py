"""A handler that only prepares its work: the next batch is read and prepared while it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from redis.exceptions import ConnectionError as RedisAway

from stocks import stream
from stocks.batch import Batch
from stocks.consumer import TickConsumer
from stocks.tests.tick_cases import tick, update

GROUP = "live"


class Desk:
    """A handler and the diary of what it was asked for; ``act`` may raise at any entry of the diary."""

    def __init__(self, act: Callable[[str], None] = lambda entry: None) -> None:
        self.diary: list[str] = []
        self._act = act

    def __call__(self, batch: Batch) -> Task:
        codes = "".join(batch.codes[number] for number in batch.code)
        self.note(f"prepare {codes}")
        return Task(self, codes)

    def note(self, entry: str) -> None:
        self.diary.append(entry)
        self._act(entry)


class Task:
    def __init__(self, desk: Desk, codes: str) -> None:
        self._desk = desk
        self._codes = codes

    def begin(self) -> None:
        self._desk.note(f"begin {self._codes}")

    def end(self) -> None:
        self._desk.note(f"end {self._codes}")


def once(entry: str, error: Exception) -> Callable[[str], None]:
    left = [error]

    def act(noted: str) -> None:
        if noted == entry and left:
            raise left.pop()

    return act


@pytest.fixture
def append(redis_client):
    stream.ensure_groups(redis_client)
    return lambda code: stream.append(redis_client, update(tick(code)))


def consumer_of(client, desk: Desk) -> TickConsumer:
    return TickConsumer(group=GROUP, handle=desk, client=client)


def pending(client) -> int:
    return client.xpending(stream.STREAM, GROUP)["pending"]


def test_the_next_batch_is_prepared_while_the_last_is_done(redis_client, append):
    desk = Desk()
    consumer = consumer_of(redis_client, desk)
    for code in "AB":
        append(code)
        consumer.step()
    assert desk.diary == ["prepare A", "begin A", "prepare B", "end A"]
    assert pending(redis_client) == 2
    assert consumer.step() == 0
    assert desk.diary[4:] == ["begin B", "end B"]
    assert pending(redis_client) == 0


def test_what_is_done_is_acknowledged_with_the_question_for_more(redis_client, append):
    waiting: list[int] = []
    desk = Desk(lambda entry: waiting.append(pending(redis_client)))
    consumer = consumer_of(redis_client, desk)
    for code in "ABC":
        append(code)
        consumer.step()
    consumer.step()
    # prepare A, begin A, prepare B, end A; begin B, prepare C, end B; begin C, end C
    assert waiting == [1, 2, 2, 2, 2, 2, 2, 1, 1]
    assert pending(redis_client) == 0


def test_an_acknowledgement_that_did_not_arrive_comes_with_the_next(redis_client, append):
    desk = Desk()
    consumer = consumer_of(redis_client, desk)
    for code in "AB":
        append(code)
        consumer.step()
    redis_client.client_kill_filter(_type="normal", skipme=True)
    append("C")
    with pytest.raises(RedisAway):
        consumer.step()
    consumer.step()
    consumer.step()
    consumer.step()
    assert "".join(entry[-1] for entry in desk.diary if entry.startswith("end")) == "ABC"
    assert pending(redis_client) == 0


def test_what_is_done_is_acknowledged_before_the_consumer_leaves(redis_client, append):
    desk = Desk()
    consumer = consumer_of(redis_client, desk)
    for code in "AB":
        append(code)
        consumer.step()
    stop = threading.Event()
    stop.set()
    consumer.run(stop)
    assert desk.diary[-1] == "end B"
    assert pending(redis_client) == 0
    assert redis_client.xinfo_consumers(stream.STREAM, GROUP) == []


def test_what_is_ready_is_done_before_entries_are_taken_over(redis_client, append):
    desk = Desk()
    consumer = TickConsumer(group=GROUP, handle=desk, client=redis_client, reclaim_every_seconds=0)
    for code in "AB":
        append(code)
        consumer.step()
    assert desk.diary == ["prepare A", "begin A", "end A", "prepare B"]
    assert pending(redis_client) == 1


def test_a_single_batch_is_not_kept_back(redis_client, append):
    desk = Desk()
    consumer = consumer_of(redis_client, desk)
    append("A")
    consumer.step()
    consumer.step()
    assert desk.diary == ["prepare A", "begin A", "end A"]


@pytest.mark.parametrize("moment", ["begin A", "end A", "prepare B"])
def test_what_was_interrupted_is_done_again_and_in_order(redis_client, append, moment):
    desk = Desk(once(moment, RedisAway()))
    consumer = consumer_of(redis_client, desk)
    append("A")
    consumer.step()
    append("B")
    with pytest.raises(RedisAway):
        consumer.step()
    del desk.diary[:]
    consumer.step()
    consumer.step()
    again = "B" if moment == "prepare B" else "AB"
    assert desk.diary == [f"prepare {again}", f"begin {again}", f"end {again}"]
    assert pending(redis_client) == 0


def test_what_cannot_be_begun_is_done_again_though_the_group_is_gone(redis_client, append):
    def act(noted: str) -> None:
        if noted == "begin A" and redis_client.exists(stream.STREAM):
            redis_client.delete(stream.STREAM)
            raise RedisAway

    desk = Desk(act)
    consumer = consumer_of(redis_client, desk)
    append("A")
    consumer.step()
    # The question for more was answered before: the next one finds no group.
    with pytest.raises(RedisAway):
        consumer.step()
    del desk.diary[:]
    consumer.step()
    consumer.step()
    assert desk.diary == ["prepare A", "begin A", "end A"]


def test_what_is_begun_is_waited_for_though_the_next_fails(redis_client, append):
    desk = Desk(once("prepare B", RedisAway()))
    consumer = consumer_of(redis_client, desk)
    append("A")
    consumer.step()
    append("B")
    with pytest.raises(RedisAway):
        consumer.step()
    assert desk.diary == ["prepare A", "begin A", "prepare B", "end A"]
    assert pending(redis_client) == 1


def test_a_consumer_that_is_stopped_does_what_it_has_prepared(redis_client, append):
    stop = threading.Event()
    desk = Desk(lambda entry: stop.set() if entry == "prepare A" else None)
    append("A")
    thread = threading.Thread(target=consumer_of(redis_client, desk).run, args=(stop,))
    thread.start()
    thread.join(timeout=30)
    assert desk.diary == ["prepare A", "begin A", "end A"]
    assert pending(redis_client) == 0
    assert redis_client.xinfo_consumers(stream.STREAM, GROUP) == []


def test_an_entry_that_cannot_be_read_does_not_come_again_with_the_others(redis_client, append):
    desk = Desk()
    consumer = consumer_of(redis_client, desk)
    redis_client.xadd(stream.STREAM, {b"something": b"else"})
    append("A")
    consumer.step()
    append("B")
    consumer.step()
    consumer.step()
    assert desk.diary == ["prepare A", "begin A", "prepare B", "end A", "begin B", "end B"]
    assert redis_client.xlen(stream.dead_stream(GROUP)) == 1
