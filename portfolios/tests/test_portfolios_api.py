"""Portfolios, their ledgers and lots, through HTTP"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import limiter, tiers
from accounts.models import IdempotencyKey
from portfolios.models import Holding, Portfolio, Transaction
from portfolios.services.rebuilding import portfolio_reconcile
from stocks.models import FxRate
from stocks.tests.factories import QuoteFactory, StockFactory, bar

pytestmark = pytest.mark.django_db
BUY = {
    "type": "BUY",
    "stock_code": "AAPL",
    "quantity": 10,
    "price": 100,
    "fee": 5,
    "tax": 0,
    "currency": "USD",
    "traded_at": "2024-01-02T15:00:00Z",
    "external_id": None,
}


def quote(stock, price, **values):
    """A quote of the invented market, which always trades."""
    now = timezone.now()
    given = {"as_of": now, "received_at": now, "source": "sandbox"} | values
    return QuoteFactory.create(stock=stock, price=Decimal(str(price)), **given)


def opened(client, **values):
    response = client.post("/v1/portfolios", {"name": "Growth Portfolio", **values})
    assert response.status_code == 201, response.content
    return f"/v1/portfolios/{response.json()['id']}"


def recorded(client, url, **values):
    response = client.post(f"{url}/transactions", values)
    assert response.status_code == 201, response.content
    return response.json()


def golden(client, url):
    recorded(client, url, **BUY)
    recorded(client, url, **{**BUY, "price": 120, "traded_at": "2024-01-03T15:00:00Z"})
    split = {"type": "SPLIT", "stock_code": "AAPL", "ratio": "2:1", "traded_at": "2024-01-04T15:00:00Z"}
    recorded(client, url, **split)
    sale = {**BUY, "type": "SELL", "quantity": 15, "price": 80, "traded_at": "2024-01-05T15:00:00Z"}
    return recorded(client, url, **sale)


def test_it_works_as_the_second_seed_shows(as_alice, samsung):
    created = as_alice.post(
        "/v1/portfolios", {"name": "Growth Portfolio", "description": "High-growth tech stocks"}
    )
    assert created.status_code == 201
    body = created.json()
    assert body["name"] == "Growth Portfolio" and body["description"] == "High-growth tech stocks"
    url = f"/v1/portfolios/{body['id']}"
    quote(samsung, 71000)
    added = as_alice.post(
        f"{url}/holdings",
        {"stock_code": "005930", "quantity": 10, "avg_price": 68000, "purchase_date": "2024-09-10"},
    )
    assert added.status_code == 201, added.content
    holding = Holding.objects.get()
    assert added.json() == {
        "id": str(holding.pk),
        "stock_code": "005930",
        "quantity": 10,
        "avg_price": 68000,
    }
    # Seoul closes at half past three.
    assert Transaction.objects.get().traded_at == datetime(2024, 9, 10, 6, 30, tzinfo=UTC)
    detail = as_alice.get(url).json()
    (held,) = detail["holdings"]
    assert {name: held[name] for name in list(held)[:9]} == {
        "stock_code": "005930",
        "stock_name": "삼성전자",
        "quantity": 10,
        "avg_price": 68000,
        "current_price": 71000,
        "purchase_value": 680000,
        "current_value": 710000,
        "unrealized_gain": 30000,
        "unrealized_gain_pct": 4.4118,
    }
    assert detail["summary"]["total_purchase_value"] == 680000
    assert detail["summary"]["total_current_value"] == 710000
    assert detail["summary"]["total_unrealized_gain"] == 30000
    assert detail["summary"]["total_unrealized_gain_pct"] == 4.4118
    (row,) = as_alice.get("/v1/portfolios").json()["portfolios"]
    assert (row["holdings_count"], row["total_value"], row["unrealized_gain"]) == (1, 710000, 30000)
    assert row["unrealized_gain_pct"] == 4.4118


def test_the_golden_case_by_every_method(as_alice, apple):
    url = opened(as_alice)
    quote(apple, 90)
    sold = golden(as_alice, url)
    assert sold["holding"]["realized"] == 366.25
    assert sold["holding"]["total_invested"] == 1381.25
    wanted = {
        "fifo": (441.25, 1456.25, 793.75),
        "average": (366.25, 1381.25, 868.75),
        "lifo": (291.25, 1306.25, 943.75),
        "hifo": (291.25, 1306.25, 943.75),
    }
    for method, figures in wanted.items():
        body = as_alice.get(f"{url}/lots?method={method}").json()
        (lots,) = body["stocks"]
        assert body["method"] == method
        assert (lots["realized"], lots["cost_basis"], lots["unrealized"]) == figures
        assert lots["realized"] + lots["unrealized"] == 1235
        assert lots["quantity"] == sum(lot["quantity"] for lot in lots["lots"]) == 25
        # The stored lots of that method are the same.
        assert as_alice.patch(url, {"method": method}).status_code == 200
        assert as_alice.get(f"{url}/lots").json() == body
    assert portfolio_reconcile(portfolio_id=Portfolio.objects.get().pk) == []


def test_four_methods_take_four_costs_out_of_the_same_lots(as_alice, apple):
    url = opened(as_alice)
    quote(apple, 150)
    for day, price in ((2, 100), (3, 130), (4, 110)):
        recorded(as_alice, url, **{**BUY, "price": price, "fee": 0, "traded_at": f"2024-01-0{day}T15:00:00Z"})
    sale = {"type": "SELL", "quantity": 15, "price": 150, "fee": 0, "traded_at": "2024-01-05T15:00:00Z"}
    recorded(as_alice, url, **{**BUY, **sale})
    # Fifteen went for 2,250. What they had cost: 10 × 100 + 5 × 130, 10 × 110 + 5 × 130, 10 × 130 + 5 × 110,
    # 15 of 30 for 3,400.
    wanted = {
        "fifo": (600, 1750, [(5, 650), (10, 1100)]),
        "lifo": (500, 1650, [(10, 1000), (5, 650)]),
        "hifo": (400, 1550, [(10, 1000), (5, 550)]),
        "average": (550, 1700, [(15, 1700)]),
    }
    for method, (realized, cost, lots) in wanted.items():
        assert as_alice.patch(url, {"method": method}).status_code == 200
        text = as_alice.get(f"{url}/lots").content
        (found,) = json.loads(text, parse_float=Decimal)["stocks"]
        assert (found["realized"], found["cost_basis"], found["unrealized"]) == (realized, cost, 2250 - cost)
        assert [(lot["quantity"], lot["cost"]) for lot in found["lots"]] == lots


def test_a_rebuy_a_sale_and_the_end_of_a_holding(as_alice, apple):
    url = opened(as_alice)
    quote(apple, 110)
    recorded(as_alice, url, **{**BUY, "fee": 0})
    second = recorded(as_alice, url, **{**BUY, "fee": 0, "price": 120})["holding"]
    assert (second["total_invested"], second["average_price"]) == (2200, 110)
    third = recorded(as_alice, url, **{**BUY, "type": "SELL", "fee": 0, "price": 110, "quantity": 5})
    assert (third["holding"]["total_invested"], third["holding"]["realized"]) == (1650, 0)
    last = recorded(as_alice, url, **{**BUY, "type": "SELL", "fee": 0, "price": 120, "quantity": 15})
    assert (last["holding"]["quantity"], last["holding"]["realized"]) == (0, 150)
    assert last["transaction"]["total_amount"] == 1800
    assert last["holding"]["average_price"] is None
    assert as_alice.get(url).json()["holdings"] == []
    assert as_alice.get(url).json()["summary"]["total_realized_gain"] == 150


def test_gains_of_prices_and_of_exchange_rates_add_up_in_the_base_currency(as_alice, apple):
    url = opened(as_alice, base_currency="KRW")
    for day, rate in ((datetime(2024, 1, 2, tzinfo=UTC), 1200), (timezone.now(), 1300)):
        FxRate.objects.create(
            base="USD", quote="KRW", date=day.date(), rate=rate, as_of=day, received_at=day, source="t"
        )
    quote(apple, 110)
    recorded(as_alice, url, **{**BUY, "fee": 0})
    body = as_alice.get(url).json()
    summary, (held,) = body["summary"], body["holdings"]
    assert summary["total_purchase_value"] == 1_200_000
    assert summary["total_current_value"] == 1_430_000
    assert summary["total_unrealized_gain"] == summary["total_gain"] == 230_000
    assert (summary["total_price_gain"], summary["total_currency_gain"]) == (130_000, 100_000)
    assert (held["price_gain"], held["currency_gain"], held["total_gain"]) == (130_000, 100_000, 100)
    assert (held["base_value"], held["base_purchase_value"]) == (1_430_000, 1_200_000)


def test_what_is_unknown_is_null_with_a_warning_and_never_a_wrong_sum(as_alice, apple, samsung):
    url = opened(as_alice, base_currency="KRW")
    recorded(as_alice, url, **{**BUY, "stock_code": "005930", "currency": "KRW"})
    recorded(as_alice, url, **BUY)
    quote(samsung, 71000)
    body = as_alice.get(url).json()
    assert body["summary"]["total_current_value"] is None
    assert body["summary"]["total_purchase_value"] is None
    assert body["warnings"] == [
        "No price of AAPL is known.",
        "No rate of USD in KRW is known.",
        "No rate in KRW is known for a purchase of AAPL.",
    ]


def test_more_than_is_held_is_refused_with_both_figures(as_alice, apple, refused):
    url = opened(as_alice)
    recorded(as_alice, url, **BUY)
    sale = {**BUY, "type": "SELL", "quantity": 10.5}
    body = refused(as_alice.post(f"{url}/transactions", sale), 409, "INSUFFICIENT_QUANTITY")
    assert body["details"] == {"stock_code": "AAPL", "held": 10, "requested": 10.5}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"quantity": value}, "quantity") for value in (0, -1, 1e30, "NaN", True, "١", None)),
        ({"price": -1}, "price"),
        ({"price": 0}, "price"),
        ({"fee": -1}, "fee"),
        ({"amount": 5}, "amount"),
        ({"ratio": "2:1"}, "ratio"),
        ({"currency": "KRW"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"type": "GIFT"}, "type"),
        ({"traded_at": "2999-01-01T00:00:00Z"}, "traded_at"),
        ({"traded_at": "1800-01-01T00:00:00Z"}, "traded_at"),
        ({"price": None}, "price"),
        ({"owner": "bob"}, "owner"),
        ({"stock_code": None}, "stock_code"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(as_alice, apple, refused, changes, field):
    url = opened(as_alice)
    body = refused(as_alice.post(f"{url}/transactions", BUY | changes), 400, "VALIDATION_ERROR")
    assert field in body["details"]
    assert not Transaction.objects.exists()


def test_a_fraction_too_fine_to_keep_is_refused(as_alice, apple):
    url = opened(as_alice)
    text = json.dumps(BUY).replace('"quantity": 10', '"quantity": 1e-20')
    response = as_alice.post(f"{url}/transactions", text, content_type="application/json")
    assert response.status_code == 400 and "quantity" in response.json()["details"]


def test_an_unknown_stock_is_not_found(as_alice, refused):
    url = opened(as_alice)
    refused(as_alice.post(f"{url}/transactions", BUY), 404, "STOCK_NOT_FOUND")


def test_a_mistake_is_undone_or_replaced_and_both_stay_visible(as_alice, apple, refused):
    url = opened(as_alice)
    first = recorded(as_alice, url, **BUY)["transaction"]
    undone = as_alice.post(f"{url}/transactions/{first['id']}/reversal")
    assert undone.status_code == 201, undone.content
    assert undone.json()["transaction"]["reverses"] == first["id"]
    assert undone.json()["holding"] is None
    again = as_alice.post(f"{url}/transactions/{first['id']}/reversal")
    refused(again, 409, "ALREADY_REVERSED")
    second = recorded(as_alice, url, **BUY)["transaction"]
    done = as_alice.post(f"{url}/transactions/{second['id']}/replacement", BUY | {"quantity": 7})
    assert done.status_code == 201, done.content
    assert done.json()["holding"]["quantity"] == 7
    row = as_alice.get(f"{url}/transactions/{second['id']}").json()
    assert row["replaced_by"] == done.json()["transaction"]["id"]
    assert row["reversed_by"] is not None


def test_the_ledger_is_read_page_by_page_and_filtered(as_alice, apple):
    url = opened(as_alice, records_cash=True)
    for day in range(2, 9):
        recorded(as_alice, url, **{**BUY, "traded_at": f"2024-01-0{day}T15:00:00Z", "quantity": day})
    recorded(as_alice, url, type="DEPOSIT", amount=100, currency="USD", traded_at="2024-01-01T00:00:00Z")
    seen, cursor = [], ""
    while cursor is not None:
        page = as_alice.get(f"{url}/transactions?limit=3{f'&cursor={cursor}' if cursor else ''}").json()
        seen += [row["quantity"] for row in page["transactions"]]
        cursor = page["next_cursor"]
    assert seen == [8, 7, 6, 5, 4, 3, 2, None]
    few = as_alice.get(f"{url}/transactions?type=BUY&from_date=2024-01-04&to_date=2024-01-05").json()
    assert [row["quantity"] for row in few["transactions"]] == [5, 4]
    for wrong in ("x", "1", "1.", "-99999999999999999.1", "99999999999999999.1", "1.9999999999"):
        assert as_alice.get(f"{url}/transactions?cursor={wrong}").status_code == 400, wrong
    for far in ("-9999999999999999.1", "9999999999999999.999999999"):
        assert as_alice.get(f"{url}/transactions?cursor={far}").status_code == 200, far
    assert as_alice.get(url).json()["cash"] == [{"currency": "USD", "amount": -3435}]


def test_a_key_has_one_effect_and_one_reply(as_alice, as_charlie, apple, refused):
    url = opened(as_alice)
    first = as_alice.post(f"{url}/transactions", BUY, headers={"Idempotency-Key": "k"})
    again = as_alice.post(f"{url}/transactions", BUY, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = as_alice.post(f"{url}/transactions", BUY | {"fee": 1}, headers={"Idempotency-Key": "k"})
    refused(other, 422, "IDEMPOTENCY_KEY_REUSED")
    theirs = opened(as_charlie)
    charlies = as_charlie.post(f"{theirs}/transactions", BUY, headers={"Idempotency-Key": "k"})
    assert charlies.status_code == 201
    assert Transaction.objects.count() == 2
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    fresh = as_alice.post(f"{url}/transactions", BUY, headers={"Idempotency-Key": "k"})
    assert "Idempotent-Replayed" not in fresh.headers
    assert Transaction.objects.count() == 3


def test_a_refusal_by_the_ledger_is_kept_and_a_mistake_in_the_request_is_not(as_alice, apple):
    url, headers = opened(as_alice), {"Idempotency-Key": "k"}
    assert as_alice.post(f"{url}/transactions", {"type": "BUY"}, headers=headers).status_code == 400
    sale = BUY | {"type": "SELL"}
    first = as_alice.post(f"{url}/transactions", sale, headers=headers)
    recorded(as_alice, url, **BUY)
    again = as_alice.post(f"{url}/transactions", sale, headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 409
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
def test_a_key_that_is_none_is_refused(as_alice, apple, refused, key):
    url = opened(as_alice)
    response = as_alice.post(f"{url}/transactions", BUY, headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in refused(response, 400, "VALIDATION_ERROR")["details"]


def test_an_external_id_is_taken_once(as_alice, apple, refused):
    url = opened(as_alice)
    recorded(as_alice, url, **{**BUY, "external_id": "b-1"})
    refused(as_alice.post(f"{url}/transactions", {**BUY, "external_id": "b-1"}), 409, "EXTERNAL_ID_TAKEN")


def test_nobody_else_sees_or_changes_anything(as_alice, as_charlie, client, apple, refused):
    url = opened(as_alice)
    row = recorded(as_alice, url, **BUY)["transaction"]["id"]
    holding = {"stock_code": "AAPL", "quantity": 1, "avg_price": 1, "purchase_date": "2024-01-02"}
    for method, path, body in (
        ("get", url, None),
        ("patch", url, {"name": "mine"}),
        ("delete", url, None),
        ("get", f"{url}/lots", None),
        ("post", f"{url}/holdings", holding),
        ("get", f"{url}/transactions", None),
        ("post", f"{url}/transactions", BUY),
        ("get", f"{url}/transactions/{row}", None),
        ("post", f"{url}/transactions/{row}/reversal", None),
        ("post", f"{url}/transactions/{row}/replacement", BUY),
    ):
        refused(getattr(as_charlie, method)(path, body), 404, "PORTFOLIO_NOT_FOUND")
        refused(getattr(client, method)(path, body), 401, "UNAUTHORIZED")
    theirs = opened(as_charlie)
    refused(as_charlie.get(f"{theirs}/transactions/{row}"), 404, "TRANSACTION_NOT_FOUND")
    refused(as_charlie.post(f"{theirs}/transactions/{row}/reversal"), 404, "TRANSACTION_NOT_FOUND")
    refused(as_alice.get(f"/v1/portfolios/{uuid.uuid4()}"), 404, "PORTFOLIO_NOT_FOUND")
    assert as_charlie.get("/v1/portfolios").json()["portfolios"][0]["holdings_count"] == 0
    assert Transaction.objects.count() == 1


def test_a_deleted_portfolio_is_gone_and_its_ledger_stays(as_alice, apple):
    url = opened(as_alice)
    recorded(as_alice, url, **BUY)
    assert as_alice.delete(url).status_code == 204
    assert as_alice.get(url).status_code == 404
    assert as_alice.get("/v1/portfolios").json() == {"portfolios": []}
    assert Transaction.objects.count() == 1


def test_at_market_the_last_quote_is_the_price(as_alice, apple):
    url = opened(as_alice)
    quote(apple, 150.25)
    body = recorded(as_alice, url, type="BUY", stock_code="aapl", quantity=10)["transaction"]
    assert (body["price"], body["total_amount"], body["price_basis"]) == (150.25, 1502.5, "quote")


def test_at_market_an_old_quote_is_refused(as_alice, apple, refused):
    url = opened(as_alice)
    quote(apple, 150.25, as_of=timezone.now() - timedelta(minutes=5))
    trade = {"type": "BUY", "stock_code": "AAPL", "quantity": 10}
    refused(as_alice.post(f"{url}/transactions", trade), 409, "QUOTE_STALE")
    assert not Transaction.objects.exists()


def test_out_of_session_the_last_close_is_the_price(time_machine_at_night, as_alice, apple):
    url = opened(as_alice)
    bar(apple, "2024-11-07", 227.48)
    body = recorded(as_alice, url, type="BUY", stock_code="AAPL", quantity=2)["transaction"]
    assert (body["price"], body["price_basis"]) == (227.48, "close")
    assert body["price_as_of"] == "2024-11-07T21:00:00.000Z"


@pytest.mark.parametrize("path", ["/v1/portfolios", "/v1/holdings", "one"])
def test_twenty_rows_cost_as_many_queries_as_one(as_alice, path):
    url = opened(as_alice)

    def add(number):
        stock = StockFactory.create(market_id="NASDAQ", currency="USD")
        quote(stock, 100)
        body = {**BUY, "stock_code": stock.code}
        assert as_alice.post("/v1/transactions", body).status_code == 201
        recorded(as_alice, url, **body)
        recorded(as_alice, opened(as_alice, name=f"p{number}"), **body)

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert as_alice.get(url if path == "one" else path).status_code == 200
        return len(queries)

    add(0)
    one = count()
    for number in range(1, 8):
        add(number)
    assert count() == one <= 8


def test_an_eleventh_transaction_in_a_minute_waits(as_alice, apple, settings, redis_client, refused):
    settings.RATE_LIMITS = "on"
    row = tiers.tiers()["free"]
    assert row.transactions is not None and (row.transactions.limit, row.transactions.seconds) == (10, 60)
    url = opened(as_alice)
    for _ in range(10):
        assert as_alice.post(f"{url}/transactions", BUY).status_code == 201
    eleventh = as_alice.post(f"{url}/transactions", BUY)
    refused(eleventh, 429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= int(eleventh.headers["Retry-After"]) <= 61
    assert eleventh.headers["X-RateLimit-Limit"] == "10"
    assert as_alice.get(f"{url}/transactions").status_code == 200
    assert limiter.limited()
