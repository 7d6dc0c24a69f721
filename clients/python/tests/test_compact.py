from __future__ import annotations

import json
from decimal import Decimal

import pytest

from realtime.protocol import compact
from realtime.protocol.encoding import dumps
from stockroom_client.compact import Columns
from stockroom_client.errors import ProtocolError
from stockroom_client.events import Event, OrderBookUpdate, to_event
from stocks.rooms import BOOK_COLUMNS, PRICE_COLUMNS

COLUMNS = {
    "price_update": ["stock_code", "data.current_price", "data.volume", "data.source"],
    "market_status": ["market", "data.is_open"],
}


def columns() -> Columns:
    made = Columns(COLUMNS)
    made.number("price:005930", 17)
    made.number("market:KOSPI", 18)
    return made


def test_an_array_is_opened_into_the_message_that_it_stands_for() -> None:
    frame = json.loads('[0,17,12345,1772415025125,"005930",150.25,null,"sandbox"]', parse_float=Decimal)
    assert list(columns().messages(frame)) == [
        {
            "type": "price_update",
            "room": "price:005930",
            "stock_code": "005930",
            "data": {"current_price": Decimal("150.25"), "volume": None, "source": "sandbox"},
            "sequence": 12345,
            "timestamp": "2026-03-02T01:30:25.125Z",
        }
    ]


def test_a_frame_of_arrays_and_objects_is_a_batch_in_its_order() -> None:
    frame = [[1, 18, 3, 0, "KOSPI", True], {"type": "alert"}, [0, 17, 4, 0, "005930", 1, 2, None]]
    assert [message["type"] for message in columns().messages(frame)] == [
        "market_status",
        "alert",
        "price_update",
    ]
    assert [message["type"] for message in columns().messages([{"type": "alert"}])] == ["alert"]


def test_a_star_in_a_path_goes_over_a_list() -> None:
    made = Columns(
        {"orderbook_update": ["stock_code", "data.asks.*.price", "data.asks.*.volume", "data.tags.*"]}
    )
    made.number("orderbook:A", 3)
    [message] = made.messages([0, 3, 5, 0, "A", [10, 11], [7, 8], ["x"]])
    assert message["data"] == {
        "asks": [{"price": 10, "volume": 7}, {"price": 11, "volume": 8}],
        "tags": ["x"],
    }
    event = to_event(message)
    assert type(event) is Event, "an order book without bids is not one"
    for wrong in ([0, 3, 5, 0, "A", [10, 11], [7], []], [0, 3, 5, 0, "A", [10], None, []]):
        with pytest.raises(ProtocolError):
            list(made.messages(wrong))


def test_what_the_server_writes_as_an_array_is_read_as_the_message_that_it_was() -> None:
    server = compact.Columns({**PRICE_COLUMNS, **BOOK_COLUMNS})
    levels = [{"price": Decimal("10.50"), "volume": 3, "total": 3}, {"price": 11, "volume": 4, "total": 7}]
    data = {"asks": levels, "bids": levels, "spread": Decimal("-0.5"), "spread_pct": None}
    written = {
        "type": "orderbook_update",
        "room": "orderbook:A",
        "stock_code": "A",
        "data": data,
        "sequence": 9,
        "timestamp": "2026-03-02T01:30:15.125Z",
    }
    array = server.write(dumps(written), room=17, sequence=9)
    assert array is not None
    mine = Columns(server.declared)
    mine.number("orderbook:A", 17)
    [message] = mine.messages(json.loads(array, parse_float=Decimal))
    event = to_event(message)
    assert isinstance(event, OrderBookUpdate)
    whole = to_event(json.loads(dumps(written), parse_float=Decimal))
    assert isinstance(whole, OrderBookUpdate)
    assert (event.asks, event.bids, event.spread) == (whole.asks, whole.bids, whole.spread)
    assert (event.room, event.sequence, event.timestamp) == (whole.room, whole.sequence, whole.timestamp)


@pytest.mark.parametrize(
    "frame",
    [
        [],
        [0],
        [7, 17, 1, 0, "005930", 1, 2, None],
        [0, 99, 1, 0, "005930", 1, 2, None],
        [0, 17, 1, 0, "005930", 1],
        [0, 17, 1, None, "005930", 1, 2, None],
        ["0", 17, 1, 0, "005930", 1, 2, None],
        [[0, 17, 1, 0, "005930", 1, 2, None], 5],
    ],
    ids=repr,
)
def test_what_was_not_announced_is_refused_rather_than_guessed(frame: list) -> None:
    with pytest.raises(ProtocolError):
        list(columns().messages(frame))
