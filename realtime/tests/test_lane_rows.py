"""Rows of a roster tell and keep what the same events do that are published one by one by the script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import keys, lane
from realtime.lane_rows import Table
from realtime.protocol.letters import texts
from realtime.protocol.names import InvalidRoom
from realtime.publish import Publishing, SharedEvent, publish_shared
from realtime.rooms import RoomUnknown
from realtime.roster import MOST, NEVER, Roster, Rows, version_of, version_text
from realtime.tests.bus import told
from realtime.tests.servers import OwnValkey
from realtime.tests.test_lane import Listening, calls, event, kept, listening, plain, through

__all__ = ["listening"]

LINES: list[tuple[tuple[str, str], ...]] = [
    (("price:005930", ""), ("market:KOSPI", "005930"), ("market:NYSE", "가")),
    (("price:AAPL", ""), ("market:NYSE", "AAPL")),
    (("price:한글 ()", ""), ("market:NYSE", "x y"), ("market:KOSPI", "a longer key, of 33 characters..")),
    (("price:alone", ""),),
]


def rows(roster: Roster, *some: tuple[int, int]) -> Rows:
    """An event for each line and number, which is its version as well."""
    return Rows(
        roster,
        "alert",
        np.array([line for line, _ in some], np.int64),
        texts([b'"number":%d' % number for _, number in some]),
        np.array([divmod(number, 3) for _, number in some], np.int64).reshape(-1, 2).T,
    )


def tell(some: Rows, events: Sequence[SharedEvent] = ()) -> None:
    publishing = Publishing(events, some)
    publishing.begin()
    publishing.end()


@pytest.fixture
def roster(listening: Listening) -> Roster:
    listening.follow(*(room for line in LINES for room, _ in line))
    return Roster(LINES)


def test_what_follows_the_first_call_goes_without_a_script(own_valkey: OwnValkey) -> None:
    listening = Listening(own_valkey.client)
    listening.follow(*(room for line in LINES for room, _ in line))
    roster = Roster(LINES)
    tell(rows(roster, (0, 1)))
    tell(rows(roster, (0, 2), (1, 2)))
    before = calls(own_valkey.client, "evalsha"), calls(own_valkey.client, "exec")
    for number in (3, 4):
        tell(rows(roster, *((line, number) for line in range(4))))
    assert (calls(own_valkey.client, "evalsha"), calls(own_valkey.client, "exec")) == (
        before[0],
        before[1] + 2,
    )
    came = listening.take()
    listening.close()
    assert told(came["price:005930"]) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert told(came["price:alone"]) == [(1, 3), (2, 4)]
    assert [(one.key.decode(), one.position.sequence) for one in came["market:NYSE"]][-3:] == [
        ("가", 7),
        ("AAPL", 8),
        ("x y", 9),
    ]


_some = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=4, unique_by=lambda one: one[0])
#: Calls: lines with versions, and how they are told: as rows, one by one in the short way, or by the script.
_calls = st.lists(st.tuples(_some, st.sampled_from(("rows", "rows", "short", "script"))), max_size=8)


def test_rooms_are_told_and_hold_what_they_would_by_the_script(
    roster: Roster, listening: Listening, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It tries again at once where somebody else came in between.
    monkeypatch.setattr(lane, "REST_SECONDS", 0.0)

    def outcome(calls: Any, *, by_script: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        redis_client.flushdb()
        for some, way in calls:
            if not some:
                continue
            batch = rows(roster, *some)
            if by_script or way == "script":
                publish_shared(batch.events)
            elif way == "short":
                through(batch.events)
            else:
                tell(batch)
        came = {}
        for room, envelopes in listening.take().items():
            sequences = [one.position.sequence for one in envelopes]
            assert sequences == sorted(sequences)
            came[room] = [(one.position.sequence, one.key, plain(one.message)) for one in envelopes]
        return kept(redis_client), came

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(_calls)
    def holds(calls: Any) -> None:
        assert outcome(calls, by_script=False) == outcome(calls, by_script=True)

    holds()


def test_rows_and_events_of_one_call_are_told_in_turn(roster: Roster, listening: Listening) -> None:
    for number in range(1, 6):
        other = event(number * 10, ("price:other", ""), ("market:KOSPI", "other"))
        tell(rows(roster, (0, number)), [other, event(number * 100, ("price:AAPL", ""))])
    came = listening.take()
    assert told(came["market:KOSPI"]) == [
        (at, number) for at, number in enumerate((1, 10, 2, 20, 3, 30, 4, 40, 5, 50), start=1)
    ]
    assert told(came["price:AAPL"]) == [(at, at * 100) for at in range(1, 6)]


def test_more_than_one_call_takes_are_all_told(listening: Listening, redis_client: redis.Redis) -> None:
    count = 1_200
    many = Roster([((f"price:{at}", ""), ("market:KOSPI", str(at))) for at in range(count)])
    for number in (1, 2, 3):
        tell(rows(many, *((at, number) for at in range(count))))
    came = listening.take()["market:KOSPI"]
    assert [one.position.sequence for one in came] == list(range(1, 3 * count + 1))
    assert [one.key for one in came] == [str(at).encode() for at in range(count)] * 3
    assert redis_client.hlen(keys.members("market:KOSPI")) == count


def test_another_roster_goes_on_where_the_first_was(roster: Roster, listening: Listening) -> None:
    tell(rows(roster, (0, 1), (1, 1)))
    tell(rows(roster, (0, 2), (1, 2)))
    moved = Roster([LINES[1], (("price:005930", ""), ("market:NYSE", "005930"))])
    tell(rows(moved, (0, 3), (1, 3)))
    tell(rows(moved, (0, 4), (1, 2)))
    came = listening.take()
    assert told(came["price:AAPL"]) == [(at, at) for at in (1, 2, 3, 4)]
    assert told(came["price:005930"]) == [(at, at) for at in (1, 2, 3)]
    assert [one.position.sequence for one in came["market:NYSE"]] == list(range(1, 8))


def test_versions_that_others_have_reached_are_left_out(roster: Roster, listening: Listening) -> None:
    tell(rows(roster, (0, 1)))
    publish_shared(rows(roster, (0, 5)).events)
    tell(rows(roster, (0, 4), (1, 1)))
    tell(rows(roster, (0, 6), (1, 1)))
    came = listening.take()
    assert told(came["price:005930"]) == [(1, 1), (2, 5), (3, 6)]
    assert told(came["price:AAPL"]) == [(1, 1)]


def test_an_emptied_redis_is_begun_anew(
    roster: Roster, listening: Listening, redis_client: redis.Redis
) -> None:
    for number in (1, 2):
        tell(rows(roster, (0, number)))
    redis_client.flushdb()
    for number in (3, 4):
        tell(rows(roster, (0, number)))
    assert told(listening.take()["price:005930"]) == [(1, 1), (2, 2), (1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([(("price:*", ""),)], InvalidRoom),
        ([(("unheard:x", ""),)], RoomUnknown),
        ([(("market:KOSPI", "a"),)], ValueError),
        ([(("price:a", ""), ("price:b", ""))], ValueError),
        ([(("alert:me", ""),)], ValueError),
        ([(("price:a", ""),), (("price:a", ""), ("market:KOSPI", "a"))], ValueError),
        ([(("price:a", ""), ("market:KOSPI", "a\0"))], ValueError),
        ([(("price:a", ""), ("market:KOSPI", "a\n"))], ValueError),
    ],
)
def test_rooms_that_are_no_line(lines: Any, error: type[Exception], roster: Roster) -> None:
    with pytest.raises(error):
        Roster(lines)


@pytest.mark.parametrize(
    ("lines", "fields", "versions"),
    [
        ([0], [b'"number":1'], [[1], [-1]]),
        ([0], [b'"number":1'], [[1, 2], [1, 2]]),
        ([0], [b'"number":1'], [[1]]),
        ([0, 1], [b'"number":1'], [[1, 1], [1, 1]]),
    ],
)
def test_what_are_no_rows(lines: Any, fields: Any, versions: Any, roster: Roster) -> None:
    with pytest.raises(ValueError, match="version"):
        Rows(roster, "alert", np.array(lines), texts(fields), np.array(versions))


@pytest.mark.parametrize("line", [-1, len(LINES)])
def test_a_line_that_a_roster_has_not_is_refused(line: int, roster: Roster) -> None:
    with pytest.raises(IndexError):
        Table(roster).tell(rows(roster, (line, 1)), b"epoch", b"}")


@given(*[st.tuples(st.integers(0, MOST), st.integers(0, MOST))] * 2)
def test_versions_rise_as_their_texts_do(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (one < other) == (version_text(*one) < version_text(*other))
    assert version_of(version_text(*one).encode()) == one


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (None, NEVER),
        (b"", NEVER),
        (b"7", (MOST, MOST)),
        (b"1" * 43, (MOST, MOST)),
        (b"2" * 42, (MOST, MOST)),
        (b"1" + b"9" * 41, (MOST, MOST)),
        (b"x" * 42, (MOST, MOST)),
    ],
)
def test_a_version_of_another_form_is_later_than_all(text: bytes | None, version: tuple[int, int]) -> None:
    assert version_of(text) == version
