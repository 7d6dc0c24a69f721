from __future__ import annotations

import json
from decimal import Decimal

import pytest

from stockroom_client.compact import Columns
from stockroom_client.errors import ProtocolError

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
