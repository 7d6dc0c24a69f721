from __future__ import annotations

import pytest

from stockroom_client.positions import Position, Rooms, room_name


def test_a_log_room_takes_each_event_once_and_tells_what_is_missing() -> None:
    rooms = Rooms()
    rooms.want(["alert:me"])
    rooms.stand("alert:me", Position("e", 10))
    assert rooms.move("alert:me", 10) == (False, None)
    assert rooms.move("alert:me", 11) == (True, None)
    assert rooms.move("alert:me", 14) == (True, Position("e", 11))
    assert rooms.positions() == {"alert:me": Position("e", 14)}


def test_a_room_of_whole_values_takes_what_comes_also_after_its_numbers_began_anew() -> None:
    rooms = Rooms()
    rooms.want(["price:A"])
    rooms.stand("price:A", Position("e", 10))
    assert rooms.move("price:A", 17) == (True, None)
    assert rooms.move("price:A", 1) == (True, None)
    assert rooms.positions() == {"price:A": Position("e", 1)}


def test_nothing_of_a_room_that_was_left_is_news() -> None:
    rooms = Rooms()
    rooms.want(["price:A"])
    rooms.forget(["price:A"])
    assert rooms.move("price:A", 1) == (False, None)
    rooms.stand("price:A", Position("e", 1))
    assert rooms.positions() == {}


def test_a_kept_position_is_where_a_room_begins_once() -> None:
    rooms = Rooms({"alert:me": Position("e", 10)})
    rooms.want(["alert:me"])
    assert rooms.positions() == {"alert:me": Position("e", 10)}
    rooms.forget(["alert:me"])
    rooms.want(["alert:me"])
    assert rooms.positions() == {}


def test_names_are_written_as_the_server_writes_them() -> None:
    decomposed = "sector:\u110c\u1165\u11ab\u1100\u1175"
    assert room_name(decomposed) == "sector:전기"
    for wrong in ("price", ":A", "price:", "price:" + "x" * 65):
        with pytest.raises(ValueError, match="no room"):
            room_name(wrong)
