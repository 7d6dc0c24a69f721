"""The pure parts: blocks, ids, lists of rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.event_stream import BadEventId, block, event_id, parse_event_id, retry
from realtime.protocol.position import Position
from realtime.requests import room_names

ids = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1), st.integers(0, 10**18 - 1), min_size=1, max_size=5
)


def test_a_message_is_an_event_of_its_type() -> None:
    body = b'{"type":"price_update","room":"price:A"}'
    assert block(body) == b"event: price_update\ndata: " + body + b"\n\n"
    assert retry(3000) == b"retry: 3000\n\n"


def test_what_does_not_begin_with_its_type_is_no_message() -> None:
    with pytest.raises(ValueError, match="type"):
        block(b'{"room":"price:A","type":"price_update"}')


@given(ids, st.text(st.characters(codec="utf-8")))
def test_an_id_is_one_line_of_ascii_and_is_read_back(sequences: dict[str, int], epoch: str) -> None:
    positions = {room: Position(epoch, sequence) for room, sequence in sequences.items()}
    line = event_id(epoch, positions)
    assert line.startswith(b"id: ")
    assert line.index(b"\n") == len(line) - 1
    assert line[:-1].isascii()
    assert b"\0" not in line
    assert parse_event_id(line[4:-1].decode()) == positions


def test_rooms_of_another_epoch_are_left_out() -> None:
    positions = {"alert:old": Position("1", 9), "alert:new": Position("2", 3)}
    assert event_id("2", positions) == b"id: 2;alert:new=3\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "e", "e;", "e;room", "e;=3", "e;room=", "e;room=-1", "e;room=x", "e;é=1", "e;room=²"),
        *("e;r=1" + "0" * 18, "e" + ";r=1" * 501),
    ],
)
def test_any_other_text_is_no_id(text: str) -> None:
    with pytest.raises(BadEventId):
        parse_event_id(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("price:A", ("price:A",)),
        ("price:A,price:B,price:A", ("price:A", "price:B")),
        (" price:A , price:B ,", ("price:A", "price:B")),
        ("sector:Food, Beverage,price:A", ("sector:Food, Beverage", "price:A")),
        ("", ()),
        (",", ()),
        ("nothing", ("nothing",)),
    ],
)
def test_a_list_of_rooms_may_hold_names_with_commas(text: str, names: tuple[str, ...]) -> None:
    assert room_names(text) == names
