"""Watchlists, through HTTP"""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import UserFactory
from portfolios.models import Watchlist, WatchlistItem
from portfolios.services.watchlists import MAX_ITEMS, MAX_WATCHLISTS
from portfolios.tests.test_portfolios_api import quote
from stocks.interest import urgent_codes
from stocks.tests.factories import StockFactory, bar

pytestmark = pytest.mark.django_db


def made(client, *codes, **values):
    body = {"name": "Chips", "items": [{"stock_code": code} for code in codes], **values}
    response = client.post("/v1/watchlists", body)
    assert response.status_code == 201, response.content
    return response.json()


def codes_of(body):
    return [item["stock_code"] for item in body["items"]]


def test_it_works(as_alice, apple, samsung):
    quote(samsung, 71000, previous_close=Decimal(70000))
    items = [
        {"stock_code": "005930", "note": "after results", "target_price": 78100},
        {"stock_code": "aapl"},
    ]
    body = made(as_alice, items=items)
    assert body["name"] == "Chips"
    first, second = body["items"]
    assert {name: first[name] for name in ("stock_code", "stock_name", "market", "currency", "note")} == {
        "stock_code": "005930",
        "stock_name": "삼성전자",
        "market": "KOSPI",
        "currency": "KRW",
        "note": "after results",
    }
    assert (first["target_price"], first["to_target_pct"]) == (78100, 10)
    told = first["quote"]
    assert (told["price"], told["previous_close"], told["change"], told["change_pct"]) == (
        *(71000, 70000, 1000, 1.4286),
    )
    assert (told["price_basis"], told["source"], told["stale"]) == ("quote", "sandbox", False)
    # Of the other no price is known, and none is made up.
    assert (second["stock_code"], second["quote"], second["to_target_pct"]) == ("AAPL", None, None)
    assert as_alice.get(f"/v1/watchlists/{body['id']}").json() == body
    assert as_alice.get("/v1/watchlists").json() == {"watchlists": [body]}


def test_an_old_price_says_so_and_without_a_quote_the_last_close_is_told(as_alice, apple, samsung):
    quote(samsung, 71000, as_of=timezone.now() - timedelta(minutes=5))
    bar(apple, "2024-11-07", 227.48)
    one, two = made(as_alice, "005930", "AAPL")["items"]
    assert one["quote"]["stale"] is True
    assert (two["quote"]["price"], two["quote"]["price_basis"]) == (227.48, "close")


def test_stocks_are_added_moved_changed_and_removed_in_their_order(as_alice, apple, samsung):
    third = StockFactory.create(code="000660")
    url = f"/v1/watchlists/{made(as_alice, 'AAPL')['id']}"
    assert codes_of(as_alice.post(f"{url}/items", {"stock_code": "005930"}).json()) == ["AAPL", "005930"]
    added = as_alice.post(f"{url}/items", {"stock_code": third.code, "position": 0, "note": "n"})
    assert added.status_code == 201 and codes_of(added.json()) == ["000660", "AAPL", "005930"]
    moved = as_alice.patch(f"{url}/items/aapl", {"position": 500})
    assert moved.status_code == 200 and codes_of(moved.json()) == ["000660", "005930", "AAPL"]
    changed = as_alice.patch(f"{url}/items/000660", {"note": "m", "target_price": 0.5}).json()
    assert (changed["items"][0]["note"], changed["items"][0]["target_price"]) == ("m", 0.5)
    cleared = as_alice.patch(f"{url}/items/000660", {"target_price": None}).json()
    assert (cleared["items"][0]["note"], cleared["items"][0]["target_price"]) == ("m", None)
    assert as_alice.delete(f"{url}/items/005930").status_code == 204
    assert codes_of(as_alice.get(url).json()) == ["000660", "AAPL"]
    assert list(WatchlistItem.objects.values_list("position", flat=True)) == [0, 1]


def test_other_items_take_the_place_of_all_and_those_that_stay_keep_their_time(as_alice, apple, samsung):
    before = made(as_alice, "AAPL")
    url = f"/v1/watchlists/{before['id']}"
    items = [{"stock_code": "005930"}, {"stock_code": "AAPL", "note": "second"}]
    after = as_alice.patch(url, {"name": "Other", "items": items}).json()
    assert after["name"] == "Other" and codes_of(after) == ["005930", "AAPL"]
    assert after["items"][1]["added_at"] == before["items"][0]["added_at"]
    assert codes_of(as_alice.patch(url, {"name": "Third"}).json()) == ["005930", "AAPL"]
    assert as_alice.patch(url, {"items": []}).json()["items"] == []
    assert as_alice.delete(url).status_code == 204
    assert as_alice.get("/v1/watchlists").json() == {"watchlists": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "items": [{"stock_code": "AAPL", "target_price": 0}]}, "target_price"),
        ({"name": "x", "items": [{"stock_code": "AAPL", "target_price": "5"}]}, "target_price"),
        ({"name": "x", "items": [{"stock_code": "AAPL", "note": "n" * 501}]}, "note"),
        ({"name": "x", "items": [{"note": "n"}]}, "stock_code"),
        ({"name": "x", "owner": "y"}, "owner"),
        ({"name": "x", "items": "AAPL"}, "items"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(as_alice, apple, refused, body, field):
    details = refused(as_alice.post("/v1/watchlists", body), 400, "VALIDATION_ERROR")["details"]
    assert field in str(details)
    assert not Watchlist.objects.exists()


def test_an_unknown_code_is_named_and_nothing_is_made(as_alice, apple, refused):
    items = [{"stock_code": "AAPL"}, {"stock_code": "NOPE"}]
    body = refused(as_alice.post("/v1/watchlists", {"name": "x", "items": items}), 404, "STOCK_NOT_FOUND")
    assert "NOPE" in body["message"]
    assert not Watchlist.objects.exists()
    url = f"/v1/watchlists/{made(as_alice)['id']}"
    refused(as_alice.post(f"{url}/items", {"stock_code": "NOPE"}), 404, "STOCK_NOT_FOUND")
    refused(as_alice.patch(f"{url}/items/NOPE", {"note": ""}), 404, "WATCHLIST_ITEM_NOT_FOUND")
    refused(as_alice.delete(f"{url}/items/%00"), 404, "WATCHLIST_ITEM_NOT_FOUND")


def test_a_list_has_each_stock_once(as_alice, apple, refused):
    url = f"/v1/watchlists/{made(as_alice, 'AAPL')['id']}"
    refused(as_alice.post(f"{url}/items", {"stock_code": "aapl"}), 409, "WATCHLIST_ITEM_EXISTS")
    twice = {"items": [{"stock_code": "AAPL"}, {"stock_code": "aapl"}]}
    refused(as_alice.patch(url, twice), 409, "WATCHLIST_ITEM_EXISTS")
    assert len(as_alice.get(url).json()["items"]) == 1


def test_an_account_has_so_many_lists_and_items_and_no_more(as_alice, alice, apple, refused):
    stocks = [StockFactory.create() for _ in range(MAX_ITEMS)]
    full = Watchlist.objects.create(owner=alice, name="full")
    WatchlistItem.objects.bulk_create(
        WatchlistItem(watchlist=full, stock=stock, position=position) for position, stock in enumerate(stocks)
    )
    one = {"name": "x", "items": [{"stock_code": "AAPL"}]}
    body = refused(as_alice.post("/v1/watchlists", one), 403, "WATCHLIST_LIMIT_REACHED")
    assert body["details"] == {"items_limit": MAX_ITEMS}
    assert Watchlist.objects.count() == 1
    for number in range(MAX_WATCHLISTS - 1):
        Watchlist.objects.create(owner=alice, name=str(number))
    body = refused(as_alice.post("/v1/watchlists", {"name": "x"}), 403, "WATCHLIST_LIMIT_REACHED")
    assert body["details"] == {"limit": MAX_WATCHLISTS}


def test_nobody_sees_or_changes_the_list_of_another(as_alice, as_charlie, client, apple, refused):
    url = f"/v1/watchlists/{made(as_alice, 'AAPL')['id']}"
    assert as_charlie.get("/v1/watchlists").json() == {"watchlists": []}
    for other in (url, f"/v1/watchlists/{uuid.uuid4()}"):
        refused(as_charlie.get(other), 404, "WATCHLIST_NOT_FOUND")
        refused(as_charlie.patch(other, {"name": "mine"}), 404, "WATCHLIST_NOT_FOUND")
        refused(as_charlie.delete(other), 404, "WATCHLIST_NOT_FOUND")
        refused(as_charlie.post(f"{other}/items", {"stock_code": "AAPL"}), 404, "WATCHLIST_NOT_FOUND")
        refused(as_charlie.patch(f"{other}/items/AAPL", {"note": "x"}), 404, "WATCHLIST_NOT_FOUND")
        refused(as_charlie.delete(f"{other}/items/AAPL"), 404, "WATCHLIST_NOT_FOUND")
    refused(client.get("/v1/watchlists"), 401, "UNAUTHORIZED")
    assert codes_of(as_alice.get(url).json()) == ["AAPL"]


def test_twenty_lists_cost_as_many_queries_as_one(as_alice):
    def add():
        stock = StockFactory.create()
        quote(stock, 100)
        made(as_alice, stock.code)

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert as_alice.get("/v1/watchlists").status_code == 200
        return len(queries)

    add()
    one = count()
    for _ in range(19):
        add()
    assert count() <= one <= 8


def test_watched_stocks_are_of_interest_those_in_most_lists_first(as_alice, apple, samsung, redis_client):
    gone = StockFactory.create(is_active=False)
    made(as_alice, "005930", "AAPL", gone.code)
    asleep = UserFactory.create()
    made(bearer(session_start(user=asleep).access_token), "AAPL")
    assert urgent_codes() == ["AAPL", "005930"]
    asleep.is_active = False
    asleep.save()
    assert urgent_codes() == ["005930", "AAPL"]


def test_staff_see_lists_and_imports_and_change_neither(admin_client, as_alice, apple):
    made(as_alice, "AAPL")
    for model in ("watchlist", "importrun"):
        assert admin_client.get(f"/admin/portfolios/{model}/").status_code == 200
    page = admin_client.get(f"/admin/portfolios/watchlist/{Watchlist.objects.get().pk}/change/")
    assert page.status_code == 200 and b'name="_save"' not in page.content
    assert admin_client.get("/admin/portfolios/watchlist/add/").status_code == 403
