"""GET /v1/stocks/{code}/prices?interval=1m|5m|15m|60m"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from stocks.intraday import StoredMinute, fold_minutes
from stocks.models import MinuteBar, Stock
from stocks.selectors.intraday import minute_bars
from stocks.store import QuoteWriter
from stocks.tests.doors import ask, refused
from stocks.tests.factories import ActionFactory, StockFactory
from stocks.tests.shapes import assert_described
from stocks.tests.tick_cases import batch, tick, update

pytestmark = pytest.mark.django_db
OPENING = datetime(2026, 3, 3, tzinfo=UTC)  # 09:00 in Seoul
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def minute(stock: Stock, start: datetime, close: int, **values) -> MinuteBar:
    """One stored minute whose prices are all the close where nothing else is said."""
    return MinuteBar.objects.create(
        stock=stock,
        start=start,
        **{name: Decimal(values.get(name, close)) for name in ("open", "high", "low")},
        close=Decimal(close),
        first_at=start,
        first_seq=1,
        last_at=start + timedelta(seconds=30),
        last_seq=1,
        first_volume=values.get("first_volume"),
        last_volume=values.get("last_volume"),
        source=values.get("source", "kis"),
    )


def prices(code: str = "A", **parameters) -> list[dict]:
    response = ask(f"/v1/stocks/{code}/prices", **{"interval": "1m", **parameters})
    assert response.status_code == 200, response.content
    return response.json()["prices"]


@time_machine.travel(NOW)
def test_it_works():
    stock = StockFactory.create(code="005930")
    values = {"open": 70000, "high": 72000, "low": 69500, "first_volume": 10, "last_volume": 1200}
    minute(stock, OPENING, 71000, **values)
    response = ask("/v1/stocks/005930/prices", interval="1m")
    assert response.json() == {
        "stock_code": "005930",
        "interval": "1m",
        "adjust": "split",
        "currency": "KRW",
        "source": "kis",
        "from_date": "2026-02-25",
        "to_date": "2026-03-03",
        "prices": [
            {
                "start": "2026-03-03T00:00:00.000Z",
                "open": 70000,
                "high": 72000,
                "low": 69500,
                "close": 71000,
                "volume": 1200,
            }
        ],
        "warnings": [],
    }
    assert response["Cache-Control"] == "public, max-age=1"
    assert_described("stocks_prices", response)


@time_machine.travel(NOW)
def test_longer_bars_are_counted_from_the_opening():
    stock = StockFactory.create(code="A", market_id="NASDAQ", currency="USD")
    opening = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)  # 09:30 in New York
    for offset, close in ((0, 5), (4, 9), (5, 3), (59, 7), (60, 6), (390, 8)):
        minute(stock, opening + timedelta(minutes=offset), close)
    assert [
        (row["start"][11:16], row["open"], row["high"], row["low"], row["close"])
        for row in prices(interval="60m")
    ] == [
        ("14:30", 5, 9, 3, 7),
        ("15:30", 6, 6, 6, 6),
        ("20:30", 8, 8, 8, 8),
    ]
    assert [row["start"][11:16] for row in prices(interval="5m")] == [
        "14:30",
        "14:35",
        "15:25",
        "15:30",
        "21:00",
    ]
    assert len(prices(interval="15m")) == 4


@time_machine.travel(NOW)
def test_the_volume_of_a_bar_is_what_was_traded_since_the_one_before():
    stock = StockFactory.create(code="A")
    minute(stock, OPENING, 1, first_volume=10, last_volume=100)
    minute(stock, OPENING + timedelta(minutes=1), 1, first_volume=150, last_volume=180)
    minute(stock, OPENING + timedelta(minutes=7), 1, first_volume=200, last_volume=260)
    assert [row["volume"] for row in prices()] == [100, 80, 80]
    assert [row["volume"] for row in prices(interval="5m")] == [180, 80]


@time_machine.travel(NOW)
def test_a_session_that_was_joined_late_begins_with_what_was_seen():
    stock = StockFactory.create(code="A")
    minute(stock, datetime(2026, 2, 27, tzinfo=UTC), 1, last_volume=7)
    minute(stock, OPENING + timedelta(minutes=10), 1, first_volume=5000, last_volume=5030)
    minute(stock, OPENING + timedelta(minutes=11), 1, first_volume=5031, last_volume=5040)
    assert [row["volume"] for row in prices()] == [7, 30, 10]


@time_machine.travel(NOW)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"last_volume": None}, {"last_volume": 5}),
        ({"last_volume": 5}, {"last_volume": None}),
        ({"last_volume": 9}, {"last_volume": 5}),
        ({"last_volume": 5, "source": "yahoo"}, {"last_volume": 9}),
    ],
)
def test_a_volume_that_nobody_knows_is_null(before, after):
    stock = StockFactory.create(code="A")
    minute(stock, OPENING, 1, **before)
    minute(stock, OPENING + timedelta(minutes=1), 1, **after)
    assert prices()[1]["volume"] is None


@time_machine.travel(datetime(2026, 3, 3, 16, tzinfo=UTC))
def test_the_days_of_the_invented_market_begin_at_midnight_of_the_exchange():
    stock = StockFactory.create(code="A", market_id="NSE", currency="INR")
    midnight = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    minute(stock, midnight - timedelta(minutes=1), 3, last_volume=900, source="sandbox")
    minute(stock, midnight, 1, first_volume=1, last_volume=10, source="sandbox")
    minute(stock, midnight + timedelta(minutes=59), 2, first_volume=11, last_volume=25, source="sandbox")
    rows = prices(interval="60m", from_date="2026-03-03", to_date="2026-03-03")
    assert [(row["start"], row["volume"]) for row in rows] == [("2026-03-02T18:30:00.000Z", 25)]


@time_machine.travel(datetime(2026, 3, 3, 15, 30, tzinfo=UTC))
def test_today_is_that_of_the_market():
    stock = StockFactory.create(code="A")
    minute(stock, datetime(2026, 3, 3, 15, tzinfo=UTC), 1, source="sandbox")
    body = ask("/v1/stocks/A/prices", interval="60m").json()
    assert (body["to_date"], len(body["prices"])) == ("2026-03-04", 1)


@time_machine.travel(NOW)
def test_a_tick_that_comes_late_is_in_every_bar_it_belongs_to():
    stock = StockFactory.create(code="A")
    writer = QuoteWriter()
    writer.handle(batch(update(tick("A", "100", as_of=OPENING + timedelta(minutes=2), volume=30))))
    writer.handle(batch(update(tick("A", "110", as_of=OPENING + timedelta(minutes=9), volume=90))))
    assert [(row["high"], row["volume"]) for row in prices(interval="5m")] == [(100, 30), (110, 60)]
    writer.handle(batch(update(tick("A", "120", as_of=OPENING + timedelta(minutes=4), volume=50))))
    assert [(row["high"], row["close"], row["volume"]) for row in prices(interval="5m")] == [
        (120, 120, 50),
        (110, 110, 40),
    ]
    assert [bar.high for bar in minute_bars(stock, OPENING, NOW, 15)] == [120]


@time_machine.travel(NOW)
def test_a_part_of_a_session_has_the_bars_of_the_whole():
    stock = StockFactory.create(code="A")
    for offset in range(10):
        minute(stock, OPENING + timedelta(minutes=offset), offset + 1, last_volume=10 * (offset + 1))
    whole = minute_bars(stock, OPENING, NOW)
    start, end = OPENING + timedelta(minutes=3), OPENING + timedelta(minutes=6)
    assert minute_bars(stock, start, end) == whole[3:6]
    assert [bar.volume for bar in whole] == [10] * 10


@time_machine.travel(NOW)
def test_splits_are_read_back_unless_the_client_wants_prices_as_traded():
    stock = StockFactory.create(code="A")
    minute(stock, datetime(2026, 2, 27, tzinfo=UTC), 500, last_volume=10)
    minute(stock, OPENING, 101, last_volume=7)
    ActionFactory.create(stock=stock, ex_date=date(2026, 3, 3), ratio=Decimal(5))
    ActionFactory.create(stock=stock, ex_date=date(2026, 3, 4), ratio=Decimal(2))
    assert [(row["close"], row["volume"]) for row in prices()] == [(100, 50), (101, 7)]
    assert [(row["close"], row["volume"]) for row in prices(adjust="none")] == [(500, 10), (101, 7)]


@time_machine.travel(NOW)
def test_csv_holds_the_same_bars_as_plain_numbers():
    stock = StockFactory.create(code="^NSEI")
    minute(stock, OPENING, 71000, low="0.0000123")
    response = ask("/v1/stocks/^NSEI/prices", interval="5m", format="csv", to="2026-03-03")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        'attachment; filename="_NSEI_5m_split_2026-02-25_2026-03-03.csv"'
    )
    assert list(csv.reader(io.StringIO(response.content.decode()))) == [
        ["start", "open", "high", "low", "close", "volume"],
        ["2026-03-03T00:00:00.000Z", "71000", "71000", "0.0000123", "71000", ""],
    ]


@time_machine.travel(NOW)
def test_at_most_seven_days_are_shown():
    StockFactory.create(code="A")
    assert prices(from_date="2026-02-25", to_date="2026-03-03") == []
    for range_ in ({"from_date": "2026-02-24"}, {"from": "2026-02-24", "to": "2026-03-03"}):
        details = refused(ask("/v1/stocks/A/prices", interval="1m", **range_), 400, "VALIDATION_ERROR")
        assert details == {"from_date": ["asks for 8 days; the most is 7"]}


@time_machine.travel(NOW)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("from_date", {"from": "2026-03-04"}),
        ("adjust", {"adjust": "total"}),
        ("interval", {"interval": "2m"}),
        ("to", {"to": "2026-03-02", "to_date": "2026-03-03"}),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(name, parameters):
    StockFactory.create(code="A")
    response = ask("/v1/stocks/A/prices", **{"interval": "1m", **parameters})
    assert name in refused(response, 400, "VALIDATION_ERROR")


def test_a_stock_without_minutes_has_none():
    StockFactory.create(code="A")
    body = ask("/v1/stocks/A/prices", interval="15m").json()
    assert (body["prices"], body["source"]) == ([], None)


@time_machine.travel(NOW)
def test_twenty_bars_cost_the_queries_of_one(django_assert_num_queries):
    stock = StockFactory.create(code="A")
    minute(stock, OPENING, 1)
    with django_assert_num_queries(3):
        prices()
    for offset in range(1, 20):
        minute(stock, OPENING + timedelta(minutes=offset), 1)
    with django_assert_num_queries(3):
        assert len(prices()) == 20


ROWS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9), st.integers(0, 50)), max_size=30).map(
    lambda rows: [
        StoredMinute(
            OPENING + timedelta(minutes=offset),
            *(Decimal(price), Decimal(price), Decimal(price), Decimal(price)),
            volume,
            volume + offset,
            "kis",
        )
        for offset, price, volume in sorted({row[0]: row for row in rows}.values())
    ]
)


@given(ROWS, st.sampled_from([1, 5, 15, 60]))
def test_no_minute_is_in_two_bars_and_none_is_left_out(rows, minutes):
    openings = [OPENING, OPENING + timedelta(minutes=100)]
    bars = fold_minutes(rows, openings, minutes=minutes)
    assert [bar.start for bar in bars] == sorted({bar.start for bar in bars})
    for bar in bars:
        end = bar.start + timedelta(minutes=minutes)
        if bar.start < openings[1]:
            end = min(end, openings[1])
        inside = [row for row in rows if bar.start <= row.start < end]
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert (bar.high, bar.low) == (max(row.high for row in inside), min(row.low for row in inside))
    counted = sum(
        len([row for row in rows if bar.start <= row.start < bar.start + timedelta(minutes=minutes)])
        for bar in fold_minutes(rows, [OPENING], minutes=minutes)
    )
    assert counted == len(rows)
