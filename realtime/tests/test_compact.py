"""`?format=compact`"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest

from realtime.frame import Batch, Event, Frame
from realtime.protocol import compact
from realtime.protocol.compact import Columns
from realtime.protocol.position import Position
from realtime.publish import RoomEvent, publish
from realtime.rooms import compact_columns
from realtime.tests.servers import OwnWeb
from realtime.tests.talking import SECONDS, Talk, price, talking

PATHS = {
    "price_update": ("stock_code", "data.current_price", "data.volume"),
    "orderbook_update": ("data.asks.*.price", "data.bids.*.price"),
}


def message(kind: str = "price_update", **fields: Any) -> bytes:
    return orjson.dumps(
        {"type": kind, "room": "price:A", **fields, "sequence": 7, "timestamp": "2026-03-02T01:30:15.125Z"}
    )


def written(body: bytes) -> Any:
    found = Columns(PATHS).write(body, room=17, sequence=12_345)
    return None if found is None else json.loads(found, parse_float=Decimal)


def test_an_event_is_its_type_room_sequence_time_and_values() -> None:
    body = message(stock_code="005930", data={"current_price": 75_000, "volume": None, "source": "x"})
    assert written(body) == [0, 17, 12_345, 1_772_415_015_125, "005930", 75_000, None]


def test_a_list_is_gone_over_level_by_level() -> None:
    body = message("orderbook_update", data={"asks": [{"price": 2}, {"price": 3.5}], "bids": []})
    assert written(body) == [1, 17, 12_345, 1_772_415_015_125, [2, Decimal("3.5")], []]


@pytest.mark.parametrize(
    "number",
    [
        "75000",
        "0.1",
        "1.10",
        "12345678901234567890.12345678",
        "-0.00000001",
        "1e3",
        "99999999999999999999999",
    ],
)
def test_numbers_keep_their_digits(number: str) -> None:
    body = message(stock_code="A", data={}).replace(
        b'"data":{}', b'"data":{"current_price":%s,"volume":1}' % number.encode()
    )
    found = Columns(PATHS).write(body, room=17, sequence=1)
    assert found == b'[0,17,1,1772415015125,"A",%s,1]' % number.encode()


@pytest.mark.parametrize(
    "body",
    [
        message("alert", stock_code="A", data={"current_price": 1, "volume": 1}),
        message(stock_code="A", data={"current_price": 1}),
        message(stock_code="A", data=None),
        message(stock_code="A", data=[1]),
        message("orderbook_update", data={"asks": "none", "bids": []}),
        message("orderbook_update", data={"asks": [{"price": 1}, {}], "bids": []}),
        b'{"type":"price_update","stock_code":"A","data":{"current_price":1,"volume":1}}',
        b'{"type":["price_update"],"stock_code":"A"}',
        b'{"type":"price_update"',
        b"\xff",
    ],
)
def test_what_does_not_fit_has_no_array(body: bytes) -> None:
    assert written(body) is None


@pytest.mark.usefixtures("floor")
def test_an_array_is_written_once_and_only_when_it_is_asked_for() -> None:
    event = Event(message(stock_code="A", data={"current_price": 1}), 1, Position("e", 7), 17)
    shared = event.compact()
    assert shared is event.compact()
    assert shared.body == b'[0,17,7,1772415015125,"A",1]'
    assert event.body.startswith(b'{"type"')


@pytest.mark.usefixtures("floor")
def test_a_batch_holds_arrays_and_what_has_none_as_objects() -> None:
    events = [
        Event(message(stock_code="A", data={"current_price": 1}), 1, Position("e", 7), 17),
        Event(message("alert"), 2, Position("e", 8), 17),
    ]
    batch = Batch(events)
    assert json.loads(batch.compact().body) == [
        [0, 17, 7, 1_772_415_015_125, "A", 1],
        json.loads(message("alert")),
    ]
    assert batch.compact() is batch.compact()
    assert batch.compact().order == batch.order


def test_a_reply_stays_what_it_is() -> None:
    reply = Frame(b'{"type":"pong"}', 1)
    assert reply.compact() is reply


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (b"format=compact", True),
        (b"token=x&format=compact", True),
        (b"", False),
        (b"format=json", False),
        (b"format=compact&format=json", False),
        (b"&".join([b"a=1"] * 50), False),
    ],
)
def test_it_is_asked_for_in_the_query(query: bytes, asked: bool) -> None:
    assert compact.is_asked_for(query) is asked


def ids(talk: Talk, frame: dict[str, Any]) -> dict[str, int]:
    ack = talk.ask(frame)
    assert ack["type"] == "subscribed"
    return {room: held["id"] for room, held in ack["rooms"].items()}


def raw_events(talk: Talk, count: int) -> list[Any]:
    """Arrays and objects as they came, batches opened, without heartbeats."""
    found: list[Any] = []
    while len(found) < count:
        frame = json.loads(talk.connection.recv(timeout=SECONDS))
        opened = frame if isinstance(frame, list) and isinstance(frame[0], list | dict) else [frame]
        found += [one for one in opened if not (isinstance(one, dict) and one["type"] == "heartbeat")]
    return found


@pytest.mark.usefixtures("floor")
def test_clients_of_both_formats_share_a_room(web: OwnWeb) -> None:
    with talking(web, "?token=basic&format=compact") as short, talking(web, "?token=basic") as long:
        hello = short.hear()
        assert hello["format"] == "compact"
        assert hello["columns"] == {"price_update": ["stock_code", "data.current_price"]}
        assert {"format", "columns"} & long.hear().keys() == set()
        rooms = {"type": "subscribe", "rooms": ["price:A", "market:KOSPI"]}
        numbers = ids(short, rooms)
        assert len(set(numbers.values())) == 2
        assert all("id" not in held for held in long.ask(rooms)["rooms"].values())
        sent = [price("price:A", 1, "A")._replace(key=""), price("market:KOSPI", 2, "K")]
        publish([*sent, RoomEvent("market:KOSPI", "market_status", {"market": "KOSPI"}, "@status")])

        objects = long.hear_events(3)
        arrays = raw_events(short, 3)
        by_room = {number: room for room, number in numbers.items()}
        for whole, got in zip(objects, arrays, strict=True):
            if whole["type"] == "market_status":
                assert got == whole
                continue
            kind, number, sequence, moment, code, current = got
            assert (kind, by_room[number], sequence) == (0, whole["room"], whole["sequence"])
            assert (code, current) == (whole["stock_code"], whole["data"]["current_price"])
            assert moment % 1000 == int(whole["timestamp"][-4:-1])

        # Another room later: every room of the connection is in the ack, with the number that it had.
        later = ids(short, {"type": "subscribe", "rooms": ["price:B"]})
        assert later.items() > numbers.items()


@pytest.mark.usefixtures("floor")
def test_the_short_form_of_an_ack_carries_the_number_and_a_snapshot_as_json(web: OwnWeb) -> None:
    publish([price("price:C", 5)])
    with talking(web, "?token=free&format=compact") as talk:
        talk.hear()
        ack = talk.ask({"type": "subscribe", "stock_code": "C"})
        assert isinstance(ack["id"], int)
        assert ack["snapshot"]["data"]["current_price"] == 5


@pytest.mark.usefixtures("floor")
def test_rooms_may_not_disagree_about_the_columns_of_a_type(settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    settings.REALTIME_ROOMS = {
        "price": "realtime.tests.cast.OpenRoom",
        "odd": "realtime.tests.cast.OtherColumns",
    }
    with pytest.raises(ImproperlyConfigured):
        compact_columns()
