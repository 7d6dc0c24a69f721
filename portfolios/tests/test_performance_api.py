"""Returns of a portfolio, through HTTP: worked sheets, and what is not known."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolios.tests.figure_cases import buy, cash, fx, opened, recorded, sell
from stocks.tests.factories import ActionFactory, StockFactory, bars

pytestmark = pytest.mark.django_db
ALL = "from=2024-01-01&to=2024-12-31"


def performance(client, url, query=ALL):
    response = client.get(f"{url}/performance?{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_it_works(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-06-03", 110), ("2024-12-31", 121)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url)
    assert (body["from_date"], body["to_date"], body["currency"]) == ("2024-01-02", "2024-12-31", "USD")
    assert (body["twr"], body["simple"], body["twr_reason"]) == (21, 21, None)
    assert body["xirr_reason"] is None and body["xirr"] == pytest.approx(21.0707, abs=0.02)
    assert (body["start_value"], body["end_value"], body["net_flows"], body["gain"]) == (0, 1210, 1000, 210)
    assert body["gains"]["unrealized"] == body["gains"]["total"] == 210
    assert body["benchmark"] is None
    flow, end = body["flows"]
    assert (flow["kind"], flow["date"], flow["amount"]) == ("flow", "2024-01-02", 1000)
    assert (flow["value_before"], flow["period_return"]) == (0, 21)
    (row,) = flow["transactions"]
    assert (row["type"], row["amount"], row["base_amount"]) == ("BUY", 1000, 1000)
    assert (end["kind"], end["amount"]) == ("end", -1210)


@pytest.mark.parametrize(
    ("last", "time_weighted", "money_weighted"), [(1995, 4.5, -0.3329), (2310, 21, 20.9803)]
)
def test_the_golden_flows_of_a_portfolio_with_cash(as_alice, apple, last, time_weighted, money_weighted):
    # 1000 become 1100; 1000 more make 2100; these end as 1995 or 2310.
    bars(apple, [("2024-01-01", 100), ("2024-06-28", 110), ("2024-07-01", 110), ("2024-12-31", 110)])
    bars(apple, [("2024-12-30", 110)])
    other = StockFactory.create(code="MSFT", market_id="NASDAQ", currency="USD")
    bars(other, [("2024-07-01", 100), ("2024-12-30", 100), ("2024-12-31", (last - 1100) / 10)])
    url = opened(as_alice, records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 1000, "2024-01-01"))
    recorded(as_alice, url, **buy(10, 100, "2024-01-01"))
    recorded(as_alice, url, **cash("DEPOSIT", 1000, "2024-07-01"))
    recorded(as_alice, url, **buy(10, 100, "2024-07-01", stock_code="MSFT"))
    body = performance(as_alice, url)
    assert body["twr"] == time_weighted
    assert body["xirr"] == money_weighted
    assert [one["amount"] for one in body["flows"]] == [1000, 1000, -last]
    linked = 1
    for leg in body["flows"][:-1]:
        linked *= 1 + leg["period_return"] / 100
    assert linked - 1 == pytest.approx(time_weighted / 100, abs=1e-5)


def test_a_sale_brings_what_its_day_made_of_the_shares(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110), ("2024-01-04", 121)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, **sell(5, 110, "2024-01-03"))
    recorded(as_alice, url, **sell(5, 121, "2024-01-04"))
    body = performance(as_alice, url, "to=2024-06-30")
    assert body["twr"] == 21
    assert (body["end_value"], body["net_flows"], body["gain"]) == (0, -155, 155)
    assert body["gains"]["realized"] == 155


def test_nearly_all_taken_out_does_not_charge_the_rest_with_the_gain(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 105)])
    url = opened(as_alice, records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 1000, "2024-01-02"))
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, **sell(10, 105, "2024-01-03"))
    recorded(as_alice, url, **cash("WITHDRAW", 1049, "2024-01-03"))
    body = performance(as_alice, url, "to=2024-01-31")
    assert (body["end_value"], body["twr"]) == (1, 5)


def test_a_dividend_belongs_to_the_return_and_a_fee_too(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 98)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, type="DIVIDEND", stock_code="AAPL", amount=20, traded_at="2024-01-03T15:00:00Z")
    body = performance(as_alice, url, "to=2024-01-03")
    assert (body["twr"], body["gain"], body["gains"]["dividends"]) == (0, 0, 20)
    recorded(as_alice, url, **cash("FEE", 5, "2024-01-03"))
    again = performance(as_alice, url, "to=2024-01-03")
    assert (again["gain"], again["gains"]["fees_and_taxes"]) == (-5, -5)
    assert again["twr"] == pytest.approx(-0.4975)


def test_a_split_is_no_gain(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 104), ("2024-01-04", 26), ("2024-01-05", 27)])
    ActionFactory.create(stock=apple, ex_date="2024-01-04", ratio=4)
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url, "to=2024-01-05")
    assert (body["twr"], body["end_value"], body["warnings"]) == (8, 1080, [])
    history = as_alice.get(f"{url}/history?to=2024-01-05").json()["history"]
    assert [one["value"] for one in history] == [1000, 1040, 1040, 1080]


def test_prices_that_do_not_follow_a_split_have_no_return(as_alice, apple):
    bars(apple, [("2024-01-02", 25), ("2024-01-03", 26), ("2024-01-04", 26)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, type="SPLIT", stock_code="AAPL", ratio="4:1", traded_at="2024-01-04T15:00:00Z")
    body = performance(as_alice, url, "to=2024-01-05")
    assert body["twr"] is None and body["twr_reason"]
    assert body["volatility"] is None and body["max_drawdown"] is None
    assert "The prices of AAPL do not follow its split of 2024-01-04." in body["warnings"]


def test_files_joined_on_another_basis_have_no_return_across_the_joint(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 50), ("2024-01-04", 55)])
    ActionFactory.create(stock=apple, kind="rebase", ex_date="2024-01-03", ratio=2)
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    assert performance(as_alice, url, "to=2024-01-04")["twr"] is None
    assert performance(as_alice, url, "from=2024-01-04&to=2024-01-04")["twr"] == 10


def test_the_worked_sheet_of_a_gain_by_price_and_by_currency(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110)])
    fx("USD", "KRW", {"2024-01-02": 1200, "2024-01-03": 1300})
    url = opened(as_alice, base_currency="KRW")
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url, "to=2024-01-03")
    assert (body["currency"], body["gain"]) == ("KRW", 230_000)
    assert body["gains"]["unrealized_price"] == 130_000
    assert body["gains"]["unrealized_currency"] == 100_000
    assert body["twr"] == 19.1667


def test_cash_in_another_currency_gains_by_its_rate(as_alice):
    fx("USD", "KRW", {"2024-01-02": 1200, "2024-01-03": 1300})
    url = opened(as_alice, base_currency="KRW", records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 1000, "2024-01-02", currency="USD"))
    body = performance(as_alice, url, "to=2024-01-03")
    assert (body["gain"], body["gains"]["cash_currency"]) == (100_000, 100_000)
    assert body["twr"] == 8.3333


def test_without_a_rate_nothing_is_assumed(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110)])
    url = opened(as_alice, base_currency="KRW")
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url, "to=2024-01-03")
    assert [body[name] for name in ("twr", "xirr", "simple", "gain", "end_value")] == [None] * 5
    assert body["xirr_reason"]
    assert any("No rate of USD in KRW" in warning for warning in body["warnings"])
    (first, _) = as_alice.get(f"{url}/history?to=2024-01-03").json()["history"]
    assert (first["value"], first["invested"], first["flow"]) == (None, None, None)


def test_a_close_holds_for_two_weeks_and_no_longer(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-03-01", 120)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    history = as_alice.get(f"{url}/history?to=2024-03-01").json()
    values = {one["date"]: one["value"] for one in history["history"]}
    assert (values["2024-01-16"], values["2024-01-17"], values["2024-03-01"]) == (1000, None, 1200)
    assert history["warnings"] == ["No price of AAPL is known on 32 days from 2024-01-17 to 2024-02-29."]
    body = performance(as_alice, url, "to=2024-03-01")
    # The days between are passed over; nothing moved on them.
    assert (body["twr"], body["volatility"]) == (20, None)
    recorded(as_alice, url, **buy(10, 100, "2024-02-01"))
    again = performance(as_alice, url, "to=2024-03-01")
    assert again["twr"] is None and "2024-02-01" in again["twr_reason"]
    assert again["xirr"] is not None


def test_money_that_only_went_in_has_no_rate_and_says_why(as_alice, apple):
    bars(apple, [("2024-01-02", 100)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url, "to=2024-01-02")
    assert body["xirr"] is None
    assert body["xirr_reason"] == "all money moved on one day"


def test_a_part_of_the_time_begins_with_what_was_there(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-31", 110), ("2024-02-01", 121), ("2024-02-02", 132)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    recorded(as_alice, url, **sell(5, 121, "2024-02-01"))
    body = performance(as_alice, url, "from=2024-02-01&to=2024-02-02")
    assert (body["start_value"], body["net_flows"], body["end_value"], body["gain"]) == (1100, -605, 660, 165)
    # 1100 become 1210, of which half is sold; 605 become 660.
    assert body["twr"] == 20
    start, flow, end = body["flows"]
    assert [one["kind"] for one in (start, flow, end)] == ["start", "flow", "end"]
    assert (start["amount"], flow["amount"], end["amount"]) == (1100, -605, -660)
    gains = body["gains"]
    assert gains["realized"] == 105
    assert gains["realized"] + gains["unrealized"] == gains["total"] == 165


def test_shares_that_are_transferred_count_with_their_value_of_the_day(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110)])
    url = opened(as_alice)
    move = {"type": "TRANSFER_IN", "stock_code": "AAPL", "quantity": 10, "price": 40}
    recorded(as_alice, url, **move, traded_at="2024-01-02T15:00:00Z")
    body = performance(as_alice, url, "to=2024-01-03")
    assert (body["twr"], body["gain"], body["net_flows"]) == (10, 100, 1000)
    assert body["gains"]["unrealized"] == 700
    assert body["gains"]["transfers"] == -600
    (row,) = body["flows"][0]["transactions"]
    assert (row["type"], row["quantity"], row["amount"], row["base_amount"]) == (
        "TRANSFER_IN",
        10,
        None,
        1000,
    )


def test_a_benchmark_has_the_return_of_the_same_days(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110), ("2024-01-04", 99)])
    index = StockFactory.create(code="^GSPC", market_id="NASDAQ", currency="USD", kind="index")
    bars(index, [("2023-12-29", 200), ("2024-01-02", 210), ("2024-01-03", 252), ("2024-01-04", 220)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    body = performance(as_alice, url, "to=2024-01-04&benchmark=^GSPC")["benchmark"]
    assert (body["stock_code"], body["from_date"], body["to_date"]) == ("^GSPC", "2023-12-29", "2024-01-04")
    assert (body["total_return"], body["price_return"]) == (10, 10)
    assert body["max_drawdown"] == -12.6984
    missing = as_alice.get(f"{url}/performance?benchmark=NOPE")
    assert missing.status_code == 404


def test_dividends_of_a_benchmark_are_put_back_into_it(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 100), ("2024-01-04", 95)])
    ActionFactory.create(stock=apple, kind="dividend", ex_date="2024-01-04", amount=5)
    fx("USD", "KRW", {"2024-01-02": 1000, "2024-01-04": 1100})
    url = opened(as_alice, base_currency="KRW", records_cash=True)
    recorded(as_alice, url, **cash("DEPOSIT", 1000, "2024-01-03"))
    body = performance(as_alice, url, "to=2024-01-04&benchmark=AAPL")["benchmark"]
    assert (body["price_return"], body["local_return"], body["total_return"]) == (-5, 0, 10)


def test_a_portfolio_without_a_transaction_has_no_figures(as_alice):
    url = opened(as_alice)
    body = performance(as_alice, url)
    assert body["twr"] is None and body["twr_reason"] and body["flows"] == []
    assert body["currency"] is None
    assert as_alice.get(f"{url}/history").json()["history"] == []
    assert as_alice.get(f"{url}/allocation").json()["stock"] == []
    assert as_alice.get(f"{url}/income").json()["months"] == []


@pytest.mark.parametrize("view", ["performance", "history", "allocation", "income"])
def test_another_users_portfolio_is_not_found(as_alice, as_charlie, client, view):
    url = opened(as_alice)
    assert as_charlie.get(f"{url}/{view}").status_code == 404
    assert client.get(f"{url}/{view}").status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2024-02-01&to=2024-01-01", "from_date"),
        ("from=yesterday", "from"),
        ("from=2024-01-01&from_date=2024-01-02", "from"),
        ("method=best", "method"),
        ("unknown=1", "unknown"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(as_alice, query, field):
    response = as_alice.get(f"{opened(as_alice)}/performance?{query}")
    assert response.status_code == 400
    assert field in response.json()["details"]


def test_queries_do_not_grow_with_the_ledger(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-31", 110)])
    others = [StockFactory.create(market_id="NASDAQ", currency="USD") for _ in range(6)]
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        performance(as_alice, url, "to=2024-01-31")
    for stock in others:
        bars(stock, [("2024-01-02", 100), ("2024-01-31", 110)])
        recorded(as_alice, url, **buy(10, 100, "2024-01-03", stock_code=stock.code))
    with CaptureQueriesContext(connection) as many:
        body = performance(as_alice, url, "to=2024-01-31")
    assert body["end_value"] == 7700
    assert len(many) == len(few)


def test_a_kept_reply_ends_with_the_next_transaction(as_alice, apple):
    bars(apple, [("2024-01-02", 100), ("2024-01-03", 110)])
    url = opened(as_alice)
    recorded(as_alice, url, **buy(10, 100, "2024-01-02"))
    first = performance(as_alice, url, "to=2024-01-03")
    with CaptureQueriesContext(connection) as again:
        assert performance(as_alice, url, "to=2024-01-03") == first
    assert not [one for one in again if "stocks_dailybar" in one["sql"]]
    recorded(as_alice, url, **buy(10, 110, "2024-01-03"))
    assert performance(as_alice, url, "to=2024-01-03")["end_value"] == 2200
