"""The compact forms of market data against their JSON forms."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from realtime.protocol.encoding import dumps
from realtime.rooms import compact_columns
from stocks import folds
from stocks.tests.tick_cases import book, tick

TYPES = {
    "price_update": [
        folds.price_update(tick("005930", "75000", previous_close=Decimal("74000"), volume=12_500_000)),
        folds.price_update(tick("AAPL", "231.440001", previous_close=None, volume=None)),
        folds.price_update(tick("BRK", "123456789012.12345678", previous_close=Decimal("0.00000001"))),
    ],
    "orderbook_update": [folds.orderbook_update(book("005930"))],
}


def message(kind: str, fields: dict[str, Any]) -> bytes:
    head = {"type": kind, "room": "price:005930"}
    return dumps(head | fields | {"sequence": 12_345, "timestamp": "2026-03-02T01:30:15.125Z"})


def exact(text: bytes) -> Any:
    # Digits and all: 1.10 is not 1.1.
    return json.loads(text, parse_float=str, parse_int=str)


def at(value: Any, path: list[str]) -> Any:
    if not path:
        return value
    if path[0] == "*":
        return [at(item, path[1:]) for item in value]
    return at(value[path[0]], path[1:])


@pytest.mark.parametrize(("kind", "fields"), [(kind, one) for kind, all_ in TYPES.items() for one in all_])
def test_the_values_are_those_of_the_json_form_to_the_digit(kind: str, fields: dict[str, Any]) -> None:
    columns = compact_columns()
    body = message(kind, fields)
    written = columns.write(body, room=17, sequence=12_345)
    assert written is not None
    number, room, sequence, moment, *values = exact(written)
    assert list(columns.declared)[int(number)] == kind
    assert (room, sequence, moment) == ("17", "12345", "1772415015125")
    whole = exact(body)
    assert values == [at(whole, path.split(".")) for path in columns.declared[kind]]


def test_every_type_of_the_table_is_tried_here() -> None:
    assert compact_columns().declared.keys() == TYPES.keys()


def test_a_price_has_at_most_60_bytes_and_an_order_book_a_third_of_its_json() -> None:
    body = message("price_update", TYPES["price_update"][0])
    written = compact_columns().write(body, room=17, sequence=12_345)
    assert written == b'[0,17,12345,1772415015125,"005930",75000,1.3514,12500000]'
    assert len(written) <= 60
    levels = [{"price": 75_000 + at, "volume": 1_200, "total": 1_200 * (at + 1)} for at in range(10)]
    data = {"asks": levels, "bids": levels, "spread": 1, "spread_pct": Decimal("0.0013")}
    body = message("orderbook_update", {"stock_code": "005930", "data": data})
    written = compact_columns().write(body, room=17, sequence=12_345)
    assert written is not None
    assert len(written) * 3 < len(body)
