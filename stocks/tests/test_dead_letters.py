from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError

from stocks import stream
from stocks.consumer import TickConsumer
from stocks.dead_letters import (
    dead_letter_discard,
    dead_letter_replay,
    dead_letters,
    dead_letters_discard,
    dead_letters_replay,
)
from stocks.tests.tick_cases import book, tick, update
from stocks.wire import encode


def _bury(client, *payloads: bytes, group: str = "store", field: str = "batch") -> None:
    """Let a consumer of the group refuse these entries."""

    def refuse(batch) -> None:
        raise DataError("out of range")

    consumer = TickConsumer(group=group, handle=refuse, client=client)
    stream.ensure_groups(client)
    for payload in payloads:
        client.xadd(stream.STREAM, {field: payload})
    while stream.lags(client)[group].behind:
        consumer.step()


def test_a_letter_says_what_it_was_and_why_it_is_dead(redis_client):
    ticks = [tick(code, "71000.50") for code in ("005930", "AAPL", "A", "B")]
    _bury(redis_client, encode(update(*ticks, books=(book(),))))
    (letter,) = dead_letters()
    ((entry_id, _),) = redis_client.xrange(stream.STREAM)
    assert letter.id == f"store:{redis_client.xrange('ticks:dead:store')[0][0].decode()}"
    assert (letter.group, letter.entry_id) == ("store", entry_id.decode())
    assert letter.reason == "DataError: out of range"
    assert abs(letter.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert letter.excerpt == "4 ticks, 1 order books: 005930 71000.5, AAPL 71000.5, A 71000.5, …"


def test_what_cannot_be_read_is_shown_as_it_is(redis_client):
    _bury(redis_client, b"\x02nonsense\xff" * 50)
    assert dead_letters()[0].excerpt.startswith("500 bytes: b'\\x02nonsense")
    redis_client.delete(stream.STREAM)
    _bury(redis_client, b"x", field="something")
    assert dead_letters()[0].excerpt == "no batch, but [b'something']"


def test_the_newest_come_first_and_groups_are_told_apart(redis_client):
    for group in ("store", "live", "store"):
        redis_client.delete(stream.STREAM)
        _bury(redis_client, encode(update(tick())), group=group)
    assert [letter.group for letter in dead_letters()] == ["store", "live", "store"]
    assert [letter.group for letter in dead_letters(limit=1)] == ["store"]
    assert [letter.group for letter in dead_letters(group="live")] == ["live"]


def test_a_replayed_letter_is_an_entry_again_and_a_letter_no_more(redis_client):
    one = update(tick())
    _bury(redis_client, encode(one))
    (letter,) = dead_letters()
    assert dead_letter_replay(letter_id=letter.id)
    assert dead_letters() == []
    assert [fields for _, fields in redis_client.xrange(stream.STREAM)] == [{b"batch": encode(one)}] * 2
    assert not dead_letter_replay(letter_id=letter.id), "it was replayed twice"
    assert redis_client.xlen(stream.STREAM) == 2


def test_a_discarded_letter_is_gone(redis_client):
    _bury(redis_client, b"x", b"y")
    newest, oldest = dead_letters()
    assert dead_letter_discard(letter_id=newest.id)
    assert not dead_letter_discard(letter_id=newest.id)
    assert dead_letters() == [oldest]


def test_all_letters_are_replayed_or_discarded_at_once(redis_client):
    payloads = [encode(update(tick(str(number)))) for number in range(205)]
    _bury(redis_client, *payloads)
    redis_client.delete(stream.STREAM)
    assert dead_letters_replay(group="live") == 0
    assert dead_letters_replay() == 205
    assert [fields[b"batch"] for _, fields in redis_client.xrange(stream.STREAM)] == payloads
    redis_client.delete(stream.STREAM)
    _bury(redis_client, *payloads[:3])
    assert dead_letters_discard(group="store") == 3
    assert dead_letters() == []


@pytest.mark.parametrize(
    "wrong", ["", "store", "store:", "store:1", "nobody:1-1", "store:1-x", "store:*", "1-1"]
)
def test_what_is_no_id_of_a_letter_is_refused(redis_client, wrong):
    for act in (dead_letter_replay, dead_letter_discard):
        with pytest.raises(ValueError, match="no dead letter"):
            act(letter_id=wrong)
