"""Rows of logs tell and keep what the same events do that are published one by one by the script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import keys, lane
from realtime.log_rows import LogRoster, LogRows
from realtime.protocol.letters import texts
from realtime.publish import Publishing, publish_shared
from realtime.rooms import RoomUnknown
from realtime.roster import version_text
from realtime.tests.bus import log, told
from realtime.tests.servers import OwnValkey
from realtime.tests.test_lane import Listening, calls, event, kept, listening, plain, through

__all__ = ["listening"]

ROSTER = LogRoster()
LOGS = ("alert:me", "alert:한글 ()", "alert:a", "alert:b")


@pytest.fixture
def listener(listening: Listening) -> Listening:
    listening.follow(*LOGS)
    return listening


def rows(number: int, *some: str) -> LogRows:
    """An event for each of some logs, of this number, which is its version as well."""
    fields = texts([b'"number":%d' % number] * len(some))
    lines = np.array([ROSTER.add(room) for room in some], np.int64)
    return LogRows(ROSTER, "alert", lines, fields, (1, number))


def tell(*some: LogRows) -> None:
    """Publish them, all at once."""
    under_way = [Publishing([], one) for one in some]
    for publishing in under_way:
        publishing.begin()
    for publishing in under_way:
        publishing.end()


def test_what_follows_the_first_call_goes_without_a_script(own_valkey: OwnValkey) -> None:
    client = own_valkey.client
    tell(rows(1, "alert:me"))
    before = calls(client, "evalsha"), calls(client, "exec")
    tell(rows(2, "alert:me", "alert:a"))
    tell(rows(3, *LOGS), rows(4, *LOGS))
    assert (calls(client, "evalsha"), calls(client, "exec")) == (before[0], before[1] + 3)
    assert told(log(client, "alert:me")) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert told(log(client, "alert:한글 ()")) == [(1, 3), (2, 4)]
    assert client.hmget(keys.VERSIONS, LOGS) == [version_text(1, 4).encode()] * 4


_some = st.lists(st.sampled_from(LOGS), max_size=4, unique=True)
#: Calls: logs, a version, and how they are told: as rows, one by one in the short way, or by the script.
_calls = st.lists(
    st.tuples(_some, st.integers(0, 9), st.sampled_from(("rows", "rows", "short", "script"))), max_size=8
)


def test_logs_are_told_and_hold_what_they_would_by_the_script(
    listener: Listening, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It tries again at once where somebody else came in between.
    monkeypatch.setattr(lane, "REST_SECONDS", 0.0)

    def outcome(run: Any, *, by_script: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        redis_client.flushdb()
        for some, number, way in run:
            batch = rows(number, *some)
            if by_script or way == "script":
                publish_shared(batch.events)
            elif way == "short":
                through(batch.events)
            else:
                tell(batch)
        came = {
            room: [(one.position.sequence, plain(one.message)) for one in envelopes]
            for room, envelopes in listener.take().items()
        }
        return kept(redis_client), came

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(_calls)
    def holds(run: Any) -> None:
        assert outcome(run, by_script=False) == outcome(run, by_script=True)

    holds()


def test_more_than_one_call_takes_are_all_told(listener: Listening, redis_client: redis.Redis) -> None:
    many = [f"alert:{at}" for at in range(1_200)]
    listener.follow(*many)
    for number in (1, 2, 3):
        tell(rows(number, *many))
    came = listener.take()
    assert [told(came[room]) for room in many] == [[(1, 1), (2, 2), (3, 3)]] * len(many)
    assert [told(log(redis_client, room)) for room in many] == [[(1, 1), (2, 2), (3, 3)]] * len(many)


def test_an_older_version_is_left_out_of_the_logs_that_have_a_later_one(listener: Listening) -> None:
    tell(rows(1, "alert:me", "alert:a"))
    publish_shared(rows(5, "alert:me").events)
    tell(rows(4, "alert:me", "alert:a"))
    tell(rows(6, "alert:a"))
    tell(rows(5, "alert:me", "alert:a"), rows(6, "alert:me", "alert:a"))
    came = listener.take()
    assert told(came["alert:me"]) == [(1, 1), (2, 5), (3, 6)]
    assert told(came["alert:a"]) == [(1, 1), (2, 4), (3, 6)]


def test_versions_of_another_form_count_as_their_texts_do(
    listener: Listening, redis_client: redis.Redis
) -> None:
    redis_client.hset(keys.VERSIONS, mapping={"alert:me": "00000007000000000012", "alert:a": "2"})
    for number in (1, 2):
        tell(rows(number, "alert:me", "alert:a"))
    assert {room: told(envelopes) for room, envelopes in listener.take().items()} == {
        "alert:me": [(1, 1), (2, 2)]
    }


def test_rows_go_on_where_events_of_the_same_logs_were(listener: Listening) -> None:
    for number in (1, 3, 5):
        through([event(number, ("alert:me", "")), event(number, ("price:005930", ""))])
        tell(rows(number + 1, "alert:me"))
    assert told(listener.take()["alert:me"]) == [(at, at) for at in range(1, 7)]


def test_an_emptied_redis_is_begun_anew(listener: Listening, redis_client: redis.Redis) -> None:
    for number in (1, 2):
        tell(rows(number, "alert:me"))
    redis_client.flushdb()
    for number in (3, 4):
        tell(rows(number, "alert:me"))
    assert told(listener.take()["alert:me"]) == [(1, 1), (2, 2), (1, 3), (2, 4)]


def test_a_roster_that_grows_takes_in_rooms_that_were_told_otherwise(listener: Listening) -> None:
    roster = LogRoster(["alert:me"])

    def grown(number: int, *some: str) -> LogRows:
        lines = np.array([roster.add(room) for room in some])
        return LogRows(roster, "alert", lines, texts([b'"number":%d' % number] * len(some)), (1, number))

    for number in (1, 2):
        tell(grown(number, "alert:me"))
        through([event(number, ("alert:a", ""))])
    tell(grown(3, "alert:me", "alert:a"))
    through([event(4, ("alert:a", ""))])
    tell(grown(5, *LOGS))
    came = listener.take()
    assert told(came["alert:me"]) == [(1, 1), (2, 2), (3, 3), (4, 5)]
    assert told(came["alert:a"]) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]


def test_rows_take_turns_with_those_of_another_roster(listener: Listening) -> None:
    others = LogRoster(LOGS)
    for number in range(1, 9):
        roster = (ROSTER, others)[number % 2]
        lines = np.array([roster.add(room) for room in LOGS])
        tell(LogRows(roster, "alert", lines, texts([b'"number":%d' % number] * 4), (1, number)))
    assert told(listener.take()["alert:b"]) == [(at, at) for at in range(1, 9)]


@pytest.mark.parametrize(
    ("rooms", "error"),
    [(["alert:a", "portfolio:a"], ValueError), (["price:a"], ValueError), (["unheard:a"], RoomUnknown)],
)
def test_what_is_no_roster(rooms: Sequence[str], error: type[Exception], listener: Listening) -> None:
    with pytest.raises(error):
        LogRoster(rooms)


@pytest.mark.parametrize(
    ("lines", "fields", "version"),
    [
        ([0, 0], [b'"a":1'] * 2, (0, 1)),
        ([4], [b'"a":1'], (0, 1)),
        ([-1], [b'"a":1'], (0, 1)),
        ([0], [b""], (0, 1)),
        ([0], [b'"a":1'] * 2, (0, 1)),
        ([0], [b'"a":1'], (0, -1)),
    ],
)
def test_what_are_no_rows(
    lines: Sequence[int], fields: Sequence[bytes], version: tuple[int, int], listener: Listening
) -> None:
    with pytest.raises(ValueError, match=r"line|version"):
        LogRows(LogRoster(LOGS), "alert", np.array(lines), texts(fields), version)
