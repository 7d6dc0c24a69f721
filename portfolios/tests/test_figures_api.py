"""History, allocation and income of a portfolio, through HTTP."""

from __future__ import annotations

import pytest

from portfolios.tests.figure_cases import buy, cash, fx, opened, recorded, sell
from portfolios.tests.test_portfolios_api import quote
from stocks.tests.factories import ActionFactory, StockFactory, bars

pytestmark = pytest.mark.django_db


def get(client, url):
    response = client.get(url)
    assert response.status_code == 200, response.content
    return response.json()


# --- History ---


@pytest.fixture
def fortnight(as_alice, apple):
    """Ten sessions from 2 to 15 January 2024, at 100, 101 … 109, and 10 shares, of which 4 are sold on 10."""
    days = [2, 3, 4, 5, 8, 9, 10, 11, 12, 15]
    bars(apple, [(f"2024-01-{day:02}", 100 + at) for at, day in enumerate(days)])
    url = opened(as_alice, records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 1500, "2024-01-02"))
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, **sell(4, 106, "2024-01-10"))
    return url


def test_a_history_has_every_day(as_alice, fortnight):
    body = get(as_alice, f"{fortnight}/history?to=2024-01-15")
    assert (body["currency"], body["interval"], body["from_date"]) == ("USD", "daily", "2024-01-02")
    assert len(body["history"]) == 10
    assert body["history"][0] == {
        "date": "2024-01-02",
        "value": 1500,
        "market_value": 1000,
        "cash": 500,
        "invested": 1000,
        "flow": 1500,
        "net_flows": 1500,
    }
    last = body["history"][-1]
    assert (last["value"], last["market_value"], last["cash"]) == (1578, 654, 924)
    assert (last["invested"], last["flow"], last["net_flows"]) == (600, 0, 1500)
    assert body["warnings"] == []


def test_weeks_and_months_end_with_their_last_day(as_alice, fortnight):
    weeks = get(as_alice, f"{fortnight}/history?interval=weekly&to=2024-01-15")["history"]
    assert [one["date"] for one in weeks] == ["2024-01-05", "2024-01-12", "2024-01-15"]
    assert [one["value"] for one in weeks] == [1530, 1572, 1578]
    assert [one["flow"] for one in weeks] == [1500, 0, 0]
    (month,) = get(as_alice, f"{fortnight}/history?interval=monthly&to=2024-01-15")["history"]
    assert (month["date"], month["value"], month["flow"]) == ("2024-01-15", 1578, 1500)


def test_a_part_of_a_history_knows_the_flows_before_it(as_alice, fortnight):
    body = get(as_alice, f"{fortnight}/history?from=2024-01-10&to=2024-01-11")
    assert [(one["date"], one["net_flows"]) for one in body["history"]] == [
        ("2024-01-10", 1500),
        ("2024-01-11", 1500),
    ]


def test_a_history_comes_as_a_table_too(as_alice, fortnight):
    response = as_alice.get(f"{fortnight}/history?to=2024-01-03&format=csv", headers={"Accept": "text/csv"})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert response.content.decode().split() == [
        "date,value,market_value,cash,invested,flow,net_flows",
        "2024-01-02,1500,1000,500,1000,1500,1500",
        "2024-01-03,1510,1010,500,1000,0,1500",
    ]


def test_today_has_the_price_that_every_other_view_has(as_alice, apple):
    bars(apple, [("2024-01-02", 100)])
    quote(apple, 130)
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    last = get(as_alice, f"{url}/history")["history"][-1]
    (row,) = get(as_alice, "/v1/portfolios")["portfolios"]
    assert last["value"] == row["total_value"] == 1300
    assert get(as_alice, f"{url}/performance")["end_value"] == 1300


def test_a_price_of_long_ago_is_said_to_be_one(as_alice, apple):
    bars(apple, [("2024-01-02", 100)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = get(as_alice, f"{url}/history?interval=monthly")
    assert body["history"][-1]["value"] == 1000
    assert body["history"][-2]["value"] is None
    assert "The last price of AAPL is of 2024-01-02." in body["warnings"]


def test_a_day_is_that_of_the_exchange(as_alice, samsung):
    bars(samsung, [("2024-01-03", 70000)])
    url = opened(as_alice)
    # Before nine in the morning in Seoul it is still the day before in London.
    trade = buy(10, 70000, "2024-01-02", stock_code="005930") | {"traded_at": "2024-01-02T23:30:00Z"}
    recorded(as_alice, url, **trade)
    (only,) = get(as_alice, f"{url}/history?to=2024-01-03")["history"]
    assert (only["date"], only["value"], only["cash"]) == ("2024-01-03", 700_000, None)


# --- Allocation ---


def test_an_allocation_adds_up_to_a_hundred(as_alice, apple, samsung):
    others = [
        StockFactory.create(code=code, market_id="NASDAQ", currency="USD", sector=sector)
        for code, sector in (("MSFT", "Technology"), ("XOM", "Energy"))
    ]
    apple.sector = "Technology"
    apple.save()
    for stock in (apple, *others):
        quote(stock, 100)
    quote(samsung, 120_000)
    fx("USD", "KRW", {"2024-01-02": 1200})
    url = opened(as_alice, base_currency="USD", records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 3100, "2024-01-01"))
    for code in ("AAPL", "MSFT", "XOM"):
        recorded(as_alice, url, **buy(10, 100, "2024-01-02", stock_code=code))
    body = get(as_alice, f"{url}/allocation")
    assert (body["base_currency"], body["total_value"], body["known_value"]) == ("USD", 3100, 3100)
    assert {one["name"]: one["weight"] for one in body["sector"]} == {
        "Technology": 64.5161,
        "Energy": 32.2581,
        "CASH": 3.2258,
    }
    for by in ("stock", "sector", "market", "currency"):
        assert round(sum(one["weight"] for one in body[by]), 10) == 100
    assert [one["name"] for one in body["stock"]] == ["AAPL", "MSFT", "XOM", "CASH"]
    recorded(as_alice, url, **buy(1, 100_000, "2024-01-03", stock_code="005930"))
    again = get(as_alice, f"{url}/allocation")
    assert {one["name"] for one in again["currency"]} == {"USD", "KRW"}
    assert {one["name"]: one["value"] for one in again["market"]} == {
        "NASDAQ": 3000,
        "KOSPI": 100,
        "CASH": 16.67,
    }


def test_what_has_no_price_has_no_weight_and_is_named(as_alice, apple, samsung):
    quote(apple, 100)
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, **buy(10, 70000, "2024-01-02", stock_code="005930"))
    body = get(as_alice, f"{url}/allocation")
    assert (body["total_value"], body["known_value"]) == (None, 1000)
    assert [(one["name"], one["value"], one["weight"]) for one in body["stock"]] == [
        ("AAPL", 1000, 100),
        ("005930", None, None),
    ]
    assert "No price of 005930 is known." in body["warnings"]


# --- Income ---


def test_income_by_month_stock_and_currency(as_alice, apple, samsung):
    fx("USD", "KRW", {"2024-03-01": 1000, "2024-04-01": 1100})
    url = opened(as_alice, base_currency="KRW", records_cash=True)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    dividend = {"type": "DIVIDEND", "stock_code": "AAPL", "amount": 10}
    recorded(as_alice, url, **dividend, tax=1.5, traded_at="2024-03-01T15:00:00Z")
    recorded(as_alice, url, **dividend, fee=1, traded_at="2024-04-01T15:00:00Z")
    recorded(as_alice, url, **cash("INTEREST", 500, "2024-04-02", currency="KRW"))
    body = get(as_alice, f"{url}/income")
    assert (body["currency"], body["total"]) == ("KRW", 18_900)
    assert body["months"] == [
        {"month": "2024-03", "dividends": 8500, "interest": 0, "total": 8500},
        {"month": "2024-04", "dividends": 9900, "interest": 500, "total": 10_400},
    ]
    assert body["stocks"] == [
        {
            "stock_code": None,
            "currency": "KRW",
            "gross": 500,
            "fees_and_taxes": 0,
            "net": 500,
            "total": 500,
            "payments": 1,
        },
        {
            "stock_code": "AAPL",
            "currency": "USD",
            "gross": 20,
            "fees_and_taxes": 2.5,
            "net": 17.5,
            "total": 18_400,
            "payments": 2,
        },
    ]
    assert [one["currency"] for one in body["currencies"]] == ["KRW", "USD"]
    april = get(as_alice, f"{url}/income?from=2024-04-01&to=2024-04-01")
    assert (april["total"], len(april["months"])) == (9900, 1)


@pytest.mark.usefixtures("time_machine_at_night")
def test_dividends_to_come_are_told_for_what_is_held(as_alice, apple, samsung):
    ActionFactory.create(stock=apple, kind="dividend", ex_date="2024-11-08", amount=0.25)
    ActionFactory.create(stock=apple, kind="dividend", ex_date="2024-11-07", amount=9)
    ActionFactory.create(stock=samsung, kind="dividend", ex_date="2024-12-01", amount=361)
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-11-07"))
    (one,) = get(as_alice, f"{url}/income")["upcoming"]
    assert one == {
        "ex_date": "2024-11-08",
        "stock_code": "AAPL",
        "quantity": 10,
        "per_share": 0.25,
        "currency": "USD",
        "amount": 2.5,
        "base_amount": 2.5,
    }


def test_a_payment_without_a_rate_makes_its_sums_unknown(as_alice, apple):
    url = opened(as_alice, base_currency="KRW")
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    dividend = {"type": "DIVIDEND", "stock_code": "AAPL", "amount": 10}
    recorded(as_alice, url, **dividend, traded_at="2024-03-01T15:00:00Z")
    body = get(as_alice, f"{url}/income")
    assert (body["total"], body["stocks"][0]["net"], body["stocks"][0]["total"]) == (None, 10, None)
    assert body["warnings"] == ["No rate of USD in KRW is known for a payment."]
