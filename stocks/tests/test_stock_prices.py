"""GET /v1/stocks/{code}/prices"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from stocks.tests.doors import ask, refused
from stocks.tests.factories import ActionFactory, StockFactory, bar, bars

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 12, 31, 12, tzinfo=UTC)


def prices(code: str = "A", **parameters) -> list[dict]:
    response = ask(f"/v1/stocks/{code}/prices", **parameters)
    assert response.status_code == 200, response.content
    return response.json()["prices"]


def days(rows: list[dict]) -> list[str]:
    return [row["trade_date"] for row in rows]


@time_machine.travel(NOW)
def test_it_works():
    stock = StockFactory.create(code="005930")
    bar(stock, "2024-11-08", 71000, open=70000, high=72000, low=69500, volume=15234567)
    response = ask("/v1/stocks/005930/prices")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "stock_code": "005930",
        "interval": "daily",
        "adjust": "split",
        "currency": "KRW",
        "source": "test",
        "from_date": "2024-01-01",
        "to_date": "2024-12-31",
        "prices": [
            {
                "trade_date": "2024-11-08",
                "open": 70000,
                "high": 72000,
                "low": 69500,
                "close": 71000,
                "volume": 15234567,
            }
        ],
        "warnings": [],
    }


@time_machine.travel(NOW)
def test_the_last_year_is_shown_oldest_first_where_nothing_is_said():
    bars(
        StockFactory.create(code="A"),
        [("2024-12-31", 4), ("2023-12-31", 1), ("2024-01-01", 2), ("2024-06-03", 3)],
    )
    assert days(prices()) == ["2024-01-01", "2024-06-03", "2024-12-31"]


@time_machine.travel(NOW)
def test_the_year_before_an_end_is_shown_where_only_the_end_is_said():
    bars(
        StockFactory.create(code="A"),
        [("2016-12-30", 1), ("2017-01-03", 2), ("2018-01-02", 3), ("2018-01-03", 4)],
    )
    assert days(prices(to_date="2018-01-02")) == ["2017-01-03", "2018-01-02"]


@time_machine.travel(NOW)
def test_both_ends_of_a_range_are_included_under_either_name():
    bars(StockFactory.create(code="A"), [(date(2024, 3, day), day) for day in range(1, 9)])
    expected = ["2024-03-03", "2024-03-04", "2024-03-05"]
    assert days(prices(from_date="2024-03-03", to_date="2024-03-05")) == expected
    assert days(prices(**{"from": "2024-03-03", "to": "2024-03-05"})) == expected
    assert days(prices(**{"from": "2024-03-03", "from_date": "2024-03-03", "to": "2024-03-05"})) == expected


@time_machine.travel(NOW)
def test_a_stock_without_bars_has_an_empty_history():
    StockFactory.create(code="A")
    body = ask("/v1/stocks/A/prices").json()
    assert (body["prices"], body["source"]) == ([], None)


@time_machine.travel(NOW)
def test_a_suspended_day_shows_null_and_its_carried_close():
    bar(StockFactory.create(code="A"), "2024-11-08", "71000.5", open=None, high=None, low=None, volume=0)
    assert prices() == [
        {"trade_date": "2024-11-08", "open": None, "high": None, "low": None, "close": 71000.5, "volume": 0}
    ]


@time_machine.travel(NOW)
def test_weeks_and_months_are_labelled_by_their_last_session():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-12-26", 105, open=100, high=112, low=99, volume=1)
    bar(stock, "2024-12-27", 103, open=104, high=106, low=98, volume=2)
    bar(stock, "2024-12-30", 110, open=101, high=111, low=100, volume=4)
    week, next_week = prices(interval="weekly")
    assert week == {
        "trade_date": "2024-12-27",
        "open": 100,
        "high": 112,
        "low": 98,
        "close": 103,
        "volume": 3,
    }
    assert next_week["trade_date"] == "2024-12-30"
    (month,) = prices(interval="monthly")
    assert month == {
        "trade_date": "2024-12-30",
        "open": 100,
        "high": 112,
        "low": 98,
        "close": 110,
        "volume": 7,
    }


@time_machine.travel(NOW)
def test_a_week_at_the_edge_covers_only_the_sessions_within_the_range():
    bars(StockFactory.create(code="A"), [(date(2024, 12, day), day) for day in range(23, 28)])
    (week,) = prices(interval="weekly", from_date="2024-12-24", to_date="2024-12-26")
    assert (week["trade_date"], week["open"], week["close"]) == ("2024-12-26", 24, 26)


@time_machine.travel(NOW)
def test_splits_are_read_back_unless_the_client_wants_prices_as_loaded():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-05-02", 500), ("2024-05-03", 101)])
    ActionFactory.create(stock=stock, ex_date=date(2024, 5, 3), ratio=Decimal(5))
    assert [(row["close"], row["volume"]) for row in prices()] == [(100, 5000), (101, 1000)]
    assert [(row["close"], row["volume"]) for row in prices(adjust="none")] == [(500, 1000), (101, 1000)]


@pytest.mark.parametrize("kind", ["bonus", "rebase"])
@time_machine.travel(NOW)
def test_a_bonus_issue_and_a_rebase_are_read_back_like_a_split(kind):
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-05-02", 500), ("2024-05-03", 1000)])
    ActionFactory.create(stock=stock, kind=kind, ex_date=date(2024, 5, 3), ratio=Decimal("0.5"))
    assert [row["close"] for row in prices()] == [1000, 1000]


@time_machine.travel(NOW)
def test_a_split_after_the_range_still_counts_and_an_announced_one_does_not():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-05-02", 500)])
    ActionFactory.create(stock=stock, ex_date=date(2024, 6, 3), ratio=Decimal(5))
    ActionFactory.create(stock=stock, ex_date=date(2025, 1, 2), ratio=Decimal(2))
    assert [row["close"] for row in prices(to_date="2024-05-31")] == [100]


@time_machine.travel(datetime(2025, 1, 1, 15, 30, tzinfo=UTC))
def test_a_split_counts_from_midnight_at_the_exchange():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-12-30", 500)])
    ActionFactory.create(stock=stock, ex_date=date(2025, 1, 2), ratio=Decimal(5))
    assert [row["close"] for row in prices()] == [100]  # in Seoul it is 2 January, 00:30


@time_machine.travel(NOW)
def test_the_total_return_holds_dividends_too():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-03-28", 1100), ("2024-03-29", 1056)])
    ActionFactory.create(
        stock=stock, kind="dividend", ex_date=date(2024, 3, 29), ratio=None, amount=Decimal(44)
    )
    assert [row["close"] for row in prices(adjust="total")] == [1056, 1056]
    assert [row["close"] for row in prices()] == [1100, 1056]


@time_machine.travel(NOW)
def test_a_dividend_is_measured_by_the_close_before_it_even_outside_the_range():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-01-02", 1000), ("2024-03-28", 2000), ("2024-03-29", 1900)])
    ActionFactory.create(
        stock=stock, kind="dividend", ex_date=date(2024, 3, 29), ratio=None, amount=Decimal(100)
    )
    assert [row["close"] for row in prices(adjust="total", to_date="2024-01-31")] == [950]


@time_machine.travel(NOW)
def test_a_dividend_in_another_currency_is_left_out_with_a_warning():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-03-28", 1100), ("2024-03-29", 1056)])
    ActionFactory.create(
        stock=stock, kind="dividend", ex_date=date(2024, 3, 29), ratio=None, amount=Decimal(1), currency="USD"
    )
    body = ask("/v1/stocks/A/prices", adjust="total").json()
    assert [row["close"] for row in body["prices"]] == [1100, 1056]
    assert body["warnings"] == ["The dividend of 2024-03-29 in USD is left out."]


@time_machine.travel(NOW)
def test_rolled_up_bars_are_adjusted_day_by_day():
    stock = StockFactory.create(code="A")
    bars(stock, [("2024-12-26", 500), ("2024-12-27", 101)])
    ActionFactory.create(stock=stock, ex_date=date(2024, 12, 27), ratio=Decimal(5))
    (week,) = prices(interval="weekly")
    assert (week["open"], week["high"], week["close"], week["volume"]) == (100, 101, 101, 6000)


@time_machine.travel(NOW)
def test_bars_of_several_sources_name_them_all():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-12-26", 1, source="krx")
    bar(stock, "2024-12-27", 1, source="csv")
    assert ask("/v1/stocks/A/prices").json()["source"] == "csv,krx"


@time_machine.travel(NOW)
def test_csv_holds_the_same_bars_as_plain_numbers():
    stock = StockFactory.create(code="^NSEI")
    bar(stock, "2024-11-07", "0.00001230", open=None, high=None, low=None, volume=0)
    bar(stock, "2024-11-08", "71000.50", open=70000, high=72000, low=69500, volume=15234567)
    response = ask("/v1/stocks/^NSEI/prices", format="csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        'attachment; filename="_NSEI_daily_split_2024-01-01_2024-12-31.csv"'
    )
    assert list(csv.reader(io.StringIO(response.content.decode()))) == [
        ["trade_date", "open", "high", "low", "close", "volume"],
        ["2024-11-07", "", "", "", "0.0000123", "0"],
        ["2024-11-08", "70000", "72000", "69500", "71000.5", "15234567"],
    ]


def test_csv_may_be_named_in_accept_too_and_errors_stay_json(client):
    StockFactory.create(code="A")
    headers = {"Accept": "text/csv"}
    assert client.get("/v1/stocks/A/prices?format=csv", headers=headers).status_code == 200
    refused(client.get("/v1/stocks/B/prices?format=csv", headers=headers), 404, "STOCK_NOT_FOUND")
    refused(client.get("/v1/stocks/A/prices", headers=headers), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from_date", "yesterday"),
        ("from_date", "2024-02-30"),
        ("from_date", "0001-01-01"),
        ("to_date", "9999-12-31"),
        ("to", "20240101"),
        ("from", "2024-01-01T00:00:00Z"),
        ("interval", "hourly"),
        ("interval", "DAILY"),
        ("adjust", "dividends"),
        ("format", "xml"),
        ("limit", "5"),
        ("from", "2024-01-01\x00"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(name, value):
    StockFactory.create(code="A")
    assert name in refused(ask("/v1/stocks/A/prices", **{name: value}), 400, "VALIDATION_ERROR")


def test_a_refused_choice_names_what_is_allowed():
    StockFactory.create(code="A")
    details = refused(ask("/v1/stocks/A/prices", interval="hourly"), 400, "VALIDATION_ERROR")
    assert details == {"interval": ["must be one of: daily, weekly, monthly, 1m, 5m, 15m, 60m"]}


def test_an_end_before_its_beginning_is_refused():
    StockFactory.create(code="A")
    late = (date.today() + timedelta(days=2)).isoformat()  # noqa: DTZ011 (any day after every today)
    for range_ in ({"from_date": "2024-02-01", "to_date": "2024-01-31"}, {"from": late}):
        assert "from_date" in refused(ask("/v1/stocks/A/prices", **range_), 400, "VALIDATION_ERROR")


def test_the_two_names_of_a_bound_must_agree():
    StockFactory.create(code="A")
    response = ask("/v1/stocks/A/prices", to="2024-02-01", to_date="2024-02-02")
    assert "to" in refused(response, 400, "VALIDATION_ERROR")


@time_machine.travel(NOW)
def test_twenty_bars_cost_the_queries_of_one(django_assert_num_queries):
    stock = StockFactory.create(code="A")
    bar(stock, "2024-03-01", 1)
    ActionFactory.create(
        stock=stock, kind="dividend", ex_date=date(2024, 3, 2), ratio=None, amount=Decimal("0.1")
    )
    with django_assert_num_queries(4):
        prices(adjust="total")
    bars(stock, [(date(2024, 3, day), 1) for day in range(2, 21)])
    with django_assert_num_queries(4):
        assert len(prices(adjust="total")) == 20
