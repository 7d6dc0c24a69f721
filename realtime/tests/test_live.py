from __future__ import annotations

import json

from realtime.live import LatestRoom
from realtime.protocol.envelope import Envelope
from realtime.protocol.position import NOWHERE, Position


def envelope(sequence: int, text: str, *, epoch: str = "e1", key: bytes = b"") -> Envelope:
    return Envelope(Position(epoch, sequence), key, json.dumps(text).encode())


def test_a_room_without_events_has_no_snapshot_and_no_position() -> None:
    room = LatestRoom("price:A")
    assert room.snapshot() is None
    assert room.position == NOWHERE


def test_the_snapshot_of_a_room_of_one_value_is_its_newest_message() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(1, "old"), 1)
    room.take(envelope(2, "new"), 2)
    assert room.snapshot() == b'"new"'
    assert room.position == Position("e1", 2)


def test_the_snapshot_of_a_room_of_many_keys_is_a_batch_in_sequence() -> None:
    room = LatestRoom("market:KOSPI")
    for sequence, key in ((1, b"A"), (2, b"B"), (3, b"A")):
        room.take(envelope(sequence, f"{key.decode()}{sequence}", key=key), sequence)
    assert json.loads(room.snapshot() or b"") == {"type": "batch", "messages": ["B2", "A3"]}


def test_an_event_that_is_known_already_changes_nothing() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(5, "new"), 1)
    assert room.take(envelope(5, "again"), 2) is None
    assert room.take(envelope(4, "older"), 3) is None
    assert room.snapshot() == b'"new"'


def test_a_new_epoch_counts_from_one_again() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(500, "before"), 1)
    assert room.take(envelope(1, "after", epoch="e2"), 2) is not None
    assert room.snapshot() == b'"after"'
    assert room.position == Position("e2", 1)


def test_an_event_that_came_before_the_state_was_read_is_not_overwritten_by_it() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(8, "over the bus"), 1)
    assert room.merge(Position("e1", 7), [envelope(7, "as read")], 2) == []
    assert room.snapshot() == b'"over the bus"'
    assert room.position == Position("e1", 8)


def test_after_an_interruption_only_what_changed_is_told() -> None:
    room = LatestRoom("market:KOSPI")
    room.merge(Position("e1", 2), [envelope(1, "A1", key=b"A"), envelope(2, "B2", key=b"B")], 1)
    changed = room.merge(Position("e1", 9), [envelope(9, "A9", key=b"A"), envelope(2, "B2", key=b"B")], 2)
    assert [slot.event.body for slot in changed] == [b'"A9"']
    assert room.position == Position("e1", 9)


def test_a_state_of_the_epoch_that_now_counts_replaces_one_of_another() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(500, "before"), 1)
    changed = room.merge(Position("e2", 3), [envelope(3, "after", epoch="e2")], 2)
    assert [slot.event.body for slot in changed] == [b'"after"']
    assert room.position == Position("e2", 3)


def test_an_emptied_redis_takes_nothing_away() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(5, "known"), 1)
    assert room.merge(NOWHERE, [], 2) == []
    assert room.snapshot() == b'"known"'
    assert room.position == Position("e1", 5)


def test_a_redis_that_came_back_with_older_data_takes_nothing_back() -> None:
    room = LatestRoom("price:A")
    room.take(envelope(110, "newest"), 1)
    assert room.merge(Position("e1", 100), [envelope(100, "saved")], 2) == []
    assert room.snapshot() == b'"newest"'
    assert room.take(envelope(101, "next", epoch="e2"), 3) is not None
