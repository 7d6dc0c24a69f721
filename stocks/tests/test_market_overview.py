"""GET /v1/market/overview"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from stocks.dataset import bump_version
from stocks.models import Dataset, Quote, Stock
from stocks.tests.doors import ask, refused
from stocks.tests.factories import ActionFactory, QuoteFactory, StockFactory, bar, indicators

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
PATH = "/v1/market/overview"
#: Saturday 9 November 2024, in Seoul and in New York.
SATURDAY = datetime(2024, 11, 9, 12, tzinfo=UTC)


def listed(code, *closes, **values) -> Stock:
    """A stock with bars of Thursday and Friday."""
    stock = StockFactory.create(code=code, **values)
    for day, close in zip(("2024-11-07", "2024-11-08"), closes, strict=False):
        bar(stock, day, close)
    return stock


def market(name="KOSPI") -> dict:
    response = ask(PATH, market=name)
    assert response.status_code == 200, response.content
    (found,) = response.json()["markets"]
    return found


@time_machine.travel(SATURDAY, tick=False)
def test_it_works():
    listed("UP", 100, 110, sector="Tech")
    listed("DOWN", 100, 95, sector="Tech")
    body = ask(PATH, market="kospi").json()
    assert body["sandbox"] is False
    (found,) = body["markets"]
    row = {
        "code": "UP",
        "name": Stock.objects.get(code="UP").name,
        "sector": "Tech",
        "currency": "KRW",
        "price": 110,
        "previous_close": 100,
        "change": 10,
        "change_pct": 10,
        "volume": 1000,
        "traded_value": 110000,
        "as_of": "2024-11-08T06:30:00.000Z",
        "received_at": None,
        "source": "test",
        "stale": False,
        "price_basis": "close",
    }
    assert found["movers"]["up"] == [row]
    assert [one["code"] for one in found["movers"]["down"]] == ["DOWN"]
    assert [one["code"] for one in found["most_active"]["traded_value"]] == ["UP", "DOWN"]
    assert found["sectors"] == [
        {
            "sector": "Tech",
            "stocks": 2,
            "advances": 1,
            "declines": 1,
            "average_change_pct": 2.5,
            "weighted_change_pct": None,
            "weighted_stocks": 0,
            "traded_value": 205000,
        }
    ]
    about = {name: found[name] for name in ("market", "currency", "session", "running", "stale", "as_of")}
    assert about == {
        "market": "KOSPI",
        "currency": "KRW",
        "session": "2024-11-08",
        "running": False,
        "stale": False,
        "as_of": "2024-11-08T06:30:00.000Z",
    }
    assert (found["closes"], found["quotes"], found["sources"]) == (2, 0, ["test"])
    assert (found["volume"], found["traded_value"]) == (2000, 205000)


@time_machine.travel(SATURDAY, tick=False)
def test_all_markets_each_in_its_own_session_and_currency():
    listed("KR", 100, 110)
    american = StockFactory.create(code="US", market_id="NASDAQ", currency="USD")
    bar(american, "2024-11-06", 10)
    bar(american, "2024-11-07", 12)
    found = ask(PATH).json()["markets"]
    assert [(one["market"], one["session"], one["currency"]) for one in found] == [
        ("KOSPI", "2024-11-08", "KRW"),
        ("NASDAQ", "2024-11-07", "USD"),
    ]
    assert [one["traded_value"] for one in found] == [110000, 12000]
    # New York has had a session since.
    assert [one["stale"] for one in found] == [False, True]


def test_an_empty_database_has_no_markets_and_an_empty_market_no_session():
    assert ask(PATH).json() == {"sandbox": False, "markets": []}
    found = market("KONEX")
    assert found["session"] is None
    assert found["as_of"] is None
    assert found["breadth"]["stocks"] == 0
    assert found["movers"] == {"up": [], "down": []}


@time_machine.travel(datetime(2024, 11, 8, 3, tzinfo=UTC), tick=False)  # noon in Seoul
def test_quotes_of_the_running_session_go_before_older_bars():
    for code in ("A", "B"):
        stock = StockFactory.create(code=code)
        bar(stock, "2024-11-07", 100)
        QuoteFactory.create(
            stock=stock,
            price=Decimal(120 if code == "A" else 90),
            previous_close=Decimal(100),
            volume=5,
            as_of=datetime(2024, 11, 8, 2, 59, tzinfo=UTC),
        )
    # Its last quote is of the day before.
    late = StockFactory.create(code="LATE")
    bar(late, "2024-11-07", 300)
    QuoteFactory.create(stock=late, price=Decimal(300), as_of=datetime(2024, 11, 7, 6, 30, tzinfo=UTC))
    found = market()
    assert (found["session"], found["running"], found["stale"]) == ("2024-11-08", True, False)
    assert (found["quotes"], found["closes"]) == (2, 0)
    assert found["breadth"]["missing"] == 1
    (up,) = found["movers"]["up"]
    assert (up["code"], up["change_pct"], up["price_basis"]) == ("A", 20, "quote")
    assert (up["as_of"], up["stale"]) == ("2024-11-08T02:59:00.000Z", False)


@pytest.mark.parametrize(
    ("now", "session"),
    [
        # Chuseok: Seoul did not trade from 16 to 18 September 2024.
        (datetime(2024, 9, 17, 3, tzinfo=UTC), "2024-09-13"),
        # Seollal: nor from 9 to 12 February.
        (datetime(2024, 2, 12, 3, tzinfo=UTC), "2024-02-08"),
    ],
)
def test_on_a_holiday_the_session_before_it_is_shown_and_is_not_stale(now, session):
    stock = StockFactory.create(code="A")
    bar(stock, date.fromisoformat(session), 100)
    with time_machine.travel(now, tick=False):
        found = market()
    assert (found["session"], found["stale"], found["running"]) == (session, False, False)


@pytest.mark.parametrize(
    ("now", "running"),
    [
        (datetime(2024, 11, 29, 17, 59, tzinfo=UTC), True),  # 12:59 in New York
        (datetime(2024, 11, 29, 18, 1, tzinfo=UTC), False),  # the day after Thanksgiving ends at 13:00
        (datetime(2024, 3, 8, 14, 29, tzinfo=UTC), False),  # winter time: opens at 14:30
        (datetime(2024, 3, 8, 14, 31, tzinfo=UTC), True),
        (datetime(2024, 3, 11, 13, 29, tzinfo=UTC), False),  # summer time, the Monday after: at 13:30
        (datetime(2024, 3, 11, 13, 31, tzinfo=UTC), True),
    ],
)
def test_a_session_runs_by_the_clock_of_its_exchange(now, running):
    stock = StockFactory.create(code="A", market_id="NYSE", currency="USD")
    QuoteFactory.create(stock=stock, price=Decimal(10), as_of=now)
    with time_machine.travel(now, tick=False):
        found = market("NYSE")
    assert found["running"] is running
    assert (found["session"] == now.date().isoformat()) is (running or now.hour == 18)


@time_machine.travel(SATURDAY, tick=False)
def test_a_split_on_the_day_is_no_mover():
    stock = listed("S", 100, 50)
    ActionFactory.create(stock=stock, ex_date=date(2024, 11, 8), ratio=Decimal(2))
    found = market()
    assert found["movers"] == {"up": [], "down": []}
    assert found["breadth"]["unchanged"] == 1


@time_machine.travel(SATURDAY, tick=False)
def test_a_suspended_stock_is_halted_and_moves_nowhere():
    stock = StockFactory.create(code="H")
    bar(stock, "2024-11-07", 100)
    bar(stock, "2024-11-08", 100, open=None, high=None, low=None, volume=0)
    found = market()
    assert (found["breadth"]["halted"], found["breadth"]["unchanged"]) == (1, 0)
    assert found["most_active"] == {"volume": [], "traded_value": []}


@time_machine.travel(SATURDAY, tick=False)
def test_indices_funds_and_delisted_stocks_do_not_count():
    listed("A", 100, 101)
    listed("I", 100, 101, kind="index")
    listed("F", 100, 101, kind="etf")
    listed("D", 100, 101, is_active=False)
    assert market()["breadth"]["stocks"] == 1


@time_machine.travel(SATURDAY, tick=False)
def test_the_range_of_a_year_and_the_weights_come_from_the_stored_indicators():
    for code, closes, cap in (("BIG", (100, 101), 303.0), ("SMALL", (100, 109), 109.0)):
        stock = listed(code, *closes, sector="Tech")
        indicators(stock, "2024-11-08", market_cap=cap, high_52w=float(closes[1]), low_52w=1.0)
    found = market()
    assert (found["breadth"]["new_highs_52w"], found["breadth"]["new_lows_52w"]) == (2, 0)
    assert found["breadth"]["ranged"] == 2
    # Before the session 300 and 100: (300 × 1 % + 100 × 9 %) / 400.
    assert found["sectors"][0]["weighted_change_pct"] == 3


@time_machine.travel(SATURDAY, tick=False)
def test_the_night_prices_of_the_sandbox_are_of_no_session():
    Dataset.objects.update(origin="sandbox")
    stock = listed("A", 100, 110)
    QuoteFactory.create(stock=stock, price=Decimal(111), as_of=SATURDAY, source="sandbox")
    night = StockFactory.create(code="N")
    QuoteFactory.create(stock=night, price=Decimal(5), as_of=SATURDAY, source="sandbox")
    body = ask(PATH, market="KOSPI").json()
    assert body["sandbox"] is True
    (found,) = body["markets"]
    assert (found["session"], found["movers"]["up"][0]["price"]) == ("2024-11-08", 110)
    assert found["breadth"]["missing"] == 1


@time_machine.travel(SATURDAY, tick=False)
def test_a_stock_that_has_lagged_for_months_is_counted_as_such():
    listed("A", 100, 101)
    bar(StockFactory.create(code="OLD"), "2024-05-03", 10)
    found = market()
    assert (found["breadth"]["missing"], found["breadth"]["lagging"]) == (1, 1)


@time_machine.travel(SATURDAY, tick=False)
def test_other_currencies_are_named():
    listed("A", 100, 101)
    listed("B", 100, 101, currency="USD")
    assert "1 stocks have prices in other currencies than KRW" in market()["warnings"][0]


def test_twenty_stocks_cost_the_queries_of_one_and_a_kept_overview_costs_two(django_assert_num_queries):
    for number in range(20):
        listed(f"S{number}", 100, 101 + number)
    with django_assert_num_queries(6):  # the market's name, the version, markets, stocks, bars, splits
        assert market()["breadth"]["stocks"] == 20
    with django_assert_num_queries(2):
        market()
    Stock.objects.exclude(code="S1").update(is_active=False)
    bump_version()
    with django_assert_num_queries(6):
        assert market()["breadth"]["stocks"] == 1


def test_a_new_version_of_the_data_is_seen_at_once_and_new_quotes_within_ten_seconds(redis_client):
    stock = StockFactory.create(code="A")
    now = datetime(2024, 11, 8, 3, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        QuoteFactory.create(stock=stock, price=Decimal(10), previous_close=Decimal(8), as_of=now)
        assert market()["movers"]["up"][0]["price"] == 10
        Quote.objects.update(price=Decimal(11))
        assert market()["movers"]["up"][0]["price"] == 10
        (key,) = redis_client.keys("stocks:kept:overview:*")
        assert 0 < redis_client.pttl(key) <= 10_000
        bump_version()
        assert market()["movers"]["up"][0]["price"] == 11


@time_machine.travel(SATURDAY, tick=False)
def test_stocks_that_are_ahead_of_their_market_still_count(django_assert_num_queries):
    ahead = listed("AHEAD", 100, 50)
    bar(ahead, "2024-11-11", 70)
    ActionFactory.create(stock=ahead, ex_date=date(2024, 11, 8), ratio=Decimal(2))
    for number in range(3):
        listed(f"S{number}", 100, 101)
    with django_assert_num_queries(8):
        found = market()
    assert found["session"] == "2024-11-08"
    assert found["breadth"]["unchanged"] == 1
    assert found["breadth"]["missing"] == 0


@pytest.mark.parametrize(
    "parameters",
    [{"market": "NOPE"}, {"market": "K\x00"}, {"limit": 5}, {"market": "x" * 40}],
)
def test_what_is_no_market_is_refused(parameters):
    refused(ask(PATH, **parameters), 400, "VALIDATION_ERROR")
