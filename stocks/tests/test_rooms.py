from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from realtime.rooms import LATEST, RoomUnknown, find_room
from stocks.quotes import write_quotes
from stocks.tests.factories import StockFactory, bars
from stocks.tests.tick_cases import tick

pytestmark = pytest.mark.django_db
ANYONE = SimpleNamespace(user_id=None, email="a@example.org", tier="free", expires_at=None)


@pytest.mark.parametrize("prefix", ["price", "orderbook", "market", "sector"])
def test_rooms_of_market_data_keep_the_newest_only(prefix):
    assert find_room(prefix).mode == LATEST


@pytest.mark.parametrize(
    ("prefix", "known", "unknown"),
    [
        ("price", "005930", "005931"),
        ("orderbook", "005930", "AAPL"),
        ("market", "KOSPI", "MARS"),
        ("sector", "Technology", "Alchemy"),
    ],
)
def test_what_is_not_listed_has_no_room(prefix, known, unknown):
    StockFactory.create(code="005930", sector="Technology")
    room = find_room(prefix)
    room.authorize(ANYONE, known)
    with pytest.raises(RoomUnknown) as refused:
        room.authorize(ANYONE, unknown)
    assert refused.value.code.endswith("_NOT_FOUND")
    assert unknown in refused.value.details.values()


def test_a_price_room_begins_with_the_stored_quote():
    StockFactory.create(code="005930")
    stored = tick(price="75000", previous_close=Decimal("74000"))
    write_quotes([stored])
    assert find_room("price").snapshot("005930") == {
        "type": "price_update",
        "stock_code": "005930",
        "data": {
            "current_price": Decimal("75000"),
            "change_amount": Decimal("1000"),
            "change_percent": Decimal("1.3514"),
            "volume": 1_000,
            "timestamp": stored.as_of,
            "source": "test",
        },
    }


def test_without_a_quote_a_price_room_begins_with_the_last_bar():
    bars(StockFactory.create(code="005930"), [("2024-11-07", 70_000), ("2024-11-08", 71_000)])
    message = find_room("price").snapshot("005930")
    assert message is not None
    assert message["type"] == "price_update"
    assert message["data"]["current_price"] == 71_000
    assert message["data"]["change_amount"] == 1_000
    assert message["data"]["timestamp"] == datetime(2024, 11, 8, 6, 30, tzinfo=UTC)


def test_a_stock_without_any_price_has_no_snapshot():
    StockFactory.create(code="005930")
    assert find_room("price").snapshot("005930") is None
    assert find_room("price").snapshot("NOSUCH") is None


@pytest.mark.parametrize("prefix", ["orderbook", "market", "sector"])
def test_the_other_rooms_begin_with_the_first_event(prefix):
    StockFactory.create(code="005930")
    write_quotes([tick()])
    assert find_room(prefix).snapshot("005930") is None
