from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stockroom_client import Alert, Event, Level, MarketStatus, OrderBookUpdate, OrderEvent, PriceUpdate
from stockroom_client.events import latest_key, moment, to_event

PRICE = """{"type":"price_update","room":"price:AAPL","stock_code":"AAPL","data":{"current_price":150.10,
 "change_amount":null,"change_percent":-0.0001,"volume":12500000,"timestamp":"2026-03-02T01:30:15.123Z",
 "source":"sandbox"},"sequence":7,"timestamp":"2026-03-02T01:30:15.125Z"}"""


def read(text: str) -> Event:
    return to_event(json.loads(text, parse_float=Decimal))


def test_a_price_is_exact_and_what_is_unknown_is_none() -> None:
    event = read(PRICE)
    assert isinstance(event, PriceUpdate)
    assert event.current_price == Decimal("150.10") and str(event.current_price) == "150.10"
    assert event.change_amount is None
    assert event.volume == Decimal(12500000)
    assert event.as_of == datetime(2026, 3, 2, 1, 30, 15, 123000, tzinfo=UTC)
    assert (event.room, event.sequence) == ("price:AAPL", 7)
    with pytest.raises(AttributeError):
        event.current_price = Decimal(1)  # type: ignore[misc]


def test_an_order_book_has_its_levels_from_the_best_one() -> None:
    event = read(
        """{"type":"orderbook_update","room":"orderbook:A","stock_code":"A","sequence":1,"data":{
        "asks":[{"price":10.5,"volume":3,"total":3}],"bids":[],"spread":null,"spread_pct":null}}"""
    )
    assert isinstance(event, OrderBookUpdate)
    assert event.asks == (Level(price=Decimal("10.5"), volume=Decimal(3), total=Decimal(3)),)
    assert event.bids == ()


def test_a_market_says_whether_it_trades() -> None:
    event = read(
        """{"type":"market_status","room":"market:KOSPI","market":"KOSPI","sequence":1,"data":{"is_open":false,
        "session":"closed","next_open":"2026-03-03T00:00:00.000Z","next_close":null}}"""
    )
    assert isinstance(event, MarketStatus)
    assert (event.is_open, event.session, event.next_close) == (False, "closed", None)
    assert event.next_open == datetime(2026, 3, 3, tzinfo=UTC)


def test_an_alert_carries_what_the_server_said() -> None:
    event = read('{"type":"alert","room":"alert:me","sequence":1,"data":{"id":"x"},"more":1}')
    assert isinstance(event, Alert)
    assert event.data == {"id": "x"} and event.raw["more"] == 1


ORDER = """{"type":"order","room":"alert:me","sequence":43,"data":{"id":"2f6d","event":"order.fulfilled",
 "order_id":"9a1c","status":"fulfilled","total":29.00,"currency":"USD","tier":null,
 "created_at":"2026-03-02T01:30:15.120Z"}}"""


def test_an_order_says_what_became_of_it() -> None:
    event = read(ORDER)
    assert isinstance(event, OrderEvent)
    assert (event.id, event.event, event.order_id, event.status) == (
        "2f6d",
        "order.fulfilled",
        "9a1c",
        "fulfilled",
    )
    assert str(event.total) == "29.00" and (event.currency, event.tier) == ("USD", None)
    assert event.created_at == datetime(2026, 3, 2, 1, 30, 15, 120000, tzinfo=UTC)
    assert latest_key(event) is None


def test_another_tier_comes_without_an_order() -> None:
    event = read(
        """{"type":"order","room":"alert:me","sequence":44,"data":{"id":"2f6e","event":"tier.changed",
        "order_id":null,"status":null,"total":null,"currency":null,"tier":"pro","created_at":null}}"""
    )
    assert isinstance(event, OrderEvent)
    assert (event.tier, event.order_id, event.total, event.created_at) == ("pro", None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"order","room":"alert:me","sequence":1,"data":{"event":"order.paid"}}',
        '{"type":"tomorrow","room":"x:y","sequence":1}',
        '{"type":"price_update","room":"price:A","sequence":1}',
        '{"type":"price_update","room":"price:A","sequence":1,"data":5,"stock_code":"A"}',
        '{"type":"orderbook_update","room":"o:A","sequence":1,"data":{"asks":[5],"bids":[]},"stock_code":"A"}',
        '{"type":["price_update"]}',
        '{"type":"hello"}',
    ],
)
def test_what_is_not_known_comes_as_a_plain_event(text: str) -> None:
    event = read(text)
    assert type(event) is Event and event.raw == json.loads(text)


def test_only_whole_values_may_be_replaced_by_newer_ones() -> None:
    assert latest_key(read(PRICE)) == ("price:AAPL", "price_update", "AAPL")
    assert latest_key(read('{"type":"alert","room":"alert:me","sequence":1}')) is None
    assert latest_key(read('{"type":"tomorrow","room":"x:y","sequence":1}')) is None


def test_a_time_is_read_from_text_or_milliseconds_and_otherwise_unknown() -> None:
    assert moment(1772415015125) == moment("2026-03-02T01:30:15.125Z")
    assert moment("soon") is moment(None) is None
