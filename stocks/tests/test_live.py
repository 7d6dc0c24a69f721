from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.roster import version_text
from realtime.tests.bus import heard
from stocks.batch import Batch
from stocks.directory import Place
from stocks.live import LivePublisher, _rows
from stocks.quotes import write_quotes
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import batch, book, tick, update
from stocks.told import ToldPrices

pytestmark = pytest.mark.django_db


class Listener:
    """Everything that is published, by room."""

    def __init__(self, client) -> None:
        self._pubsub = client.pubsub()
        self._pubsub.psubscribe("realtime:*", "realtime-bundles:*")
        for _ in range(2):
            self._pubsub.get_message(timeout=5)

    def messages(self) -> list[tuple[str, bytes, dict]]:
        """(room, key, message) since the last call, in order."""
        found = []
        while (got := self._pubsub.get_message(timeout=0.2)) is not None:
            found += [
                (room, one.key, json.loads(one.message, parse_float=Decimal)) for room, one in heard(got)
            ]
        return found

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listener(redis_client) -> Iterator[Listener]:
    listener = Listener(redis_client)
    yield listener
    listener.close()


def tell(publisher: LivePublisher, batch: Batch) -> None:
    telling = publisher.handle(batch)
    telling.begin()
    telling.end()


def test_a_tick_goes_to_the_rooms_of_its_price_market_and_sector(listener):
    StockFactory.create(code="005930", market_id="KOSPI", sector="Technology")
    tell(LivePublisher(), batch(update(tick("005930", "75000", previous_close=Decimal("74000")))))
    messages = listener.messages()
    assert [(room, key) for room, key, _ in messages] == [
        ("price:005930", b""),
        ("market:KOSPI", b"005930"),
        ("sector:Technology", b"005930"),
    ]
    for room, _, message in messages:
        assert message["type"] == "price_update"
        assert message["room"] == room
        assert message["stock_code"] == "005930"
        assert message["sequence"] == 1
        assert message["timestamp"].endswith("Z")
        assert set(message["data"]) == {
            *("current_price", "change_amount", "change_percent", "volume", "timestamp", "source")
        }
        assert message["data"]["current_price"] == 75000
        assert message["data"]["change_amount"] == 1000
        assert message["data"]["change_percent"] == Decimal("1.3514")


@given(
    st.lists(
        st.tuples(st.integers(0, 2**53), st.integers(0, 2**62)),
        min_size=1,
        max_size=20,
        unique=True,
    )
)
def test_versions_are_the_same_whether_written_in_columns_or_one_by_one(keys):
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    ticks = [
        tick(f"S{number}", "1", as_of=begin + timedelta(microseconds=as_of), seq=seq)
        for number, (as_of, seq) in enumerate(keys)
    ]
    known = ToldPrices()
    known.move({one.code: Place(((f"price:{one.code}", ""),), (), "XKRX") for one in ticks})
    told = batch(update(*ticks))
    rows = _rows(told, known.news(told, np.arange(len(ticks))), known)
    assert rows is not None
    assert [event.version for event in rows.events] == [version_text(*key) for key in keys]


def test_an_order_book_goes_to_its_own_room(listener):
    StockFactory.create(code="005930")
    tell(LivePublisher(), batch(update(books=(book(),))))
    ((room, _, message),) = listener.messages()
    assert room == "orderbook:005930"
    assert message["type"] == "orderbook_update"
    assert message["data"]["asks"] == [{"price": 71100, "volume": 5000, "total": 5000}]
    assert message["data"]["spread"] == 100


def test_of_many_ticks_of_a_stock_the_newest_is_published_once(listener):
    StockFactory.create(code="005930")
    first = tick(price="71000")
    ticks = [tick(price=str(71000 + step), as_of=first.as_of, seq=step) for step in (3, 5, 4)]
    tell(LivePublisher(), batch(update(*ticks[:2]), update(ticks[2])))
    prices = [message for room, _, message in listener.messages() if room == "price:005930"]
    assert [message["data"]["current_price"] for message in prices] == [71005]


def test_a_price_never_falls_back_to_an_older_one(listener):
    StockFactory.create(code="005930")
    publisher = LivePublisher()
    newest = tick(price="71000")
    tell(publisher, batch(update(newest)))
    tell(publisher, batch(update(newest)))
    tell(publisher, batch(update(tick(price="1", as_of=newest.as_of - timedelta(seconds=1), seq=9))))
    tell(publisher, batch(update(tick(price="71100", as_of=newest.as_of, seq=2))))
    prices = [message for room, _, message in listener.messages() if room == "price:005930"]
    assert [(one["sequence"], one["data"]["current_price"]) for one in prices] == [(1, 71000), (2, 71100)]


def test_a_publisher_that_begins_anew_does_not_publish_what_others_have_passed(listener):
    StockFactory.create(code="005930")
    stored = tick(price="71000")
    write_quotes([stored])
    publisher = LivePublisher()
    tell(publisher, batch(update(tick(price="1", as_of=stored.as_of - timedelta(seconds=20), seq=5))))
    assert listener.messages() == []
    tell(publisher, batch(update(stored)))
    assert [room for room, _, _ in listener.messages()] == ["price:005930", "market:KOSPI"]


def test_a_redis_that_lost_what_rooms_were_told_is_told_the_stored_quotes_again(listener, redis_client):
    StockFactory.create(code="005930", sector="Technology")
    StockFactory.create(code="000660")
    told, stored = tick("005930", "71000"), tick("000660", "100")
    publisher = LivePublisher()
    tell(publisher, batch(update(told, stored)))
    newer = tick("000660", "101", as_of=stored.as_of + timedelta(seconds=1))
    write_quotes([told, newer])
    listener.messages()
    publisher.restate()
    assert [(room, message["data"]["current_price"]) for room, _, message in listener.messages()] == [
        ("price:000660", 101),
        ("market:KOSPI", 101),
    ]
    redis_client.flushdb()
    publisher.restate()
    assert {(room, key) for room, key, _ in listener.messages()} == {
        ("price:005930", b""),
        ("market:KOSPI", b"005930"),
        ("sector:Technology", b"005930"),
        ("price:000660", b""),
        ("market:KOSPI", b"000660"),
    }
    publisher.restate()
    tell(publisher, batch(update(told, newer)))
    assert listener.messages() == []


def test_codes_that_no_stock_has_are_not_published(listener):
    StockFactory.create(code="005930")
    tell(LivePublisher(), batch(update(tick("NOSUCH"), tick("005930"), books=(book("NOSUCH"),))))
    assert {room for room, _, _ in listener.messages()} == {"price:005930", "market:KOSPI"}


def test_what_cannot_be_true_is_not_published(listener, caplog):
    StockFactory.create(code="005930")
    StockFactory.create(code="000660")
    tell(LivePublisher(), batch(update(tick("005930", "NaN"), tick("000660"))))
    assert {room for room, _, _ in listener.messages()} == {"price:000660", "market:KOSPI"}
    assert "005930 from test: a price is out of range" in caplog.text


def test_a_sector_that_cannot_name_a_room_keeps_nothing_back(listener):
    StockFactory.create(code="005930", sector="전기:전자*")
    StockFactory.create(code="000660", sector="전기·전자")
    tell(LivePublisher(), batch(update(tick("005930"), tick("000660"))))
    rooms = {room for room, _, _ in listener.messages()}
    assert rooms == {"price:005930", "price:000660", "market:KOSPI", "sector:전기·전자"}


def test_a_stock_that_is_listed_later_is_found(listener, monkeypatch):
    monkeypatch.setattr("stocks.directory.AGAIN_SECONDS", 0)
    publisher = LivePublisher()
    tell(publisher, batch(update(tick("005930"))))
    assert listener.messages() == []
    StockFactory.create(code="005930")
    tell(publisher, batch(update(tick("005930"))))
    assert listener.messages()[0][0] == "price:005930"
