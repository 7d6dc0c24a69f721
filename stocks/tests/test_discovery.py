"""Stocks that are listed because somebody asked for them"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from stocks.errors import StockNotAsked, StockNotFound
from stocks.models import CompanyProfile, Dataset, Fetched, Stock
from stocks.services.discovery import find_or_list
from stocks.services.first_questions import A_MINUTE
from stocks.tests.desk_cases import at_once, described, standing_desk
from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        yield standing


def _find(symbol: str, after: timedelta = timedelta(0)) -> Stock:
    return find_or_list(symbol, now=timezone.now() + after)


def test_an_unknown_code_that_a_provider_describes_is_listed(desk):
    desk.knows.companies["NEWH"] = described(
        listing={
            "industry": "Rockets",
            "isin": "US0378331005",
            "listed_on": None,
            "shares_outstanding": 1_000,
            "kind": "etf",
        }
    )
    stock = _find("newh")
    assert (stock.code, stock.name, stock.market_id, stock.currency) == (
        "NEWH",
        "New Horizons Inc.",
        "NASDAQ",
        "USD",
    )
    assert (stock.sector, stock.industry, stock.isin) == ("Technology", "Rockets", "US0378331005")
    assert (stock.kind, stock.shares_outstanding, stock.source) == ("etf", 1_000, "desk")
    assert Dataset.objects.get().origin == Dataset.Origin.REAL


def test_listing_it_answers_for_its_company_too(desk):
    desk.knows.companies["NEWH"] = described()
    assert ask("/v1/market/company", symbol="NEWH").json()["description"] == "Makes things."
    assert ask("/v1/market/company", symbol="NEWH").status_code == 200
    assert len(desk.asked("/company")) == 1
    assert CompanyProfile.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/stocks/NEWH", "/v1/stocks/NEWH/prices", "/v1/stocks/NEWH/news"])
def test_every_door_of_a_stock_lists_it(desk, path):
    desk.knows.companies["NEWH"] = described()
    assert ask(path).status_code == 200
    assert Stock.objects.filter(code="NEWH").exists()


def test_unknown_everywhere_is_404_and_asked_for_once_a_day(desk):
    for path in ("/v1/stocks/NOSUCH", "/v1/stocks/nosuch/prices", "/v1/stocks/NOSUCH/news"):
        refused(ask(path), 404, "STOCK_NOT_FOUND")
    assert desk.asked("/company") == [{"code": "NOSUCH"}]
    row = Fetched.objects.get()
    assert (row.name, row.missing) == ("code:NOSUCH", True)
    with pytest.raises(StockNotFound):
        _find("NOSUCH", after=timedelta(hours=23))
    assert len(desk.asked("/company")) == 1
    desk.knows.companies["NOSUCH"] = described()
    assert _find("NOSUCH", after=timedelta(hours=25)).name == "New Horizons Inc."


def test_a_known_code_asks_nobody(desk):
    StockFactory.create(code="AAPL")
    assert _find("aapl").code == "AAPL"
    assert desk.server.requests == []


@pytest.mark.parametrize(
    "text", ["", " ", "A B", "A/B", "<script>", "A" * 21, "삼성", ".", "-A", "A.", "^", "A=X", "A;DROP", "🙂"]
)
def test_what_cannot_be_a_code_costs_no_call(desk, text):
    with pytest.raises(StockNotFound):
        _find(text)
    assert desk.server.requests == []
    assert not Fetched.objects.exists()


def test_a_thousand_readers_of_a_cold_code_cost_one_call(desk):
    desk.knows.companies["NEWH"] = described()
    desk.knows.seconds = 0.3
    found = at_once(32, lambda: _find("NEWH"))
    assert {stock.code for stock in found} == {"NEWH"}
    assert len(desk.asked("/company")) == 1
    assert Stock.objects.count() == 1


def test_random_codes_cost_no_more_than_the_bound_of_a_minute(desk):
    for number in range(A_MINUTE.calls + 20):
        refused(ask(f"/v1/stocks/ZZ{number}"), 404, "STOCK_NOT_FOUND")
    assert len(desk.asked("/company")) == A_MINUTE.calls
    # What was not asked is not remembered as missing.
    assert Fetched.objects.filter(missing=True).count() == A_MINUTE.calls
    details = refused(ask("/v1/stocks/YYY"), 404, "STOCK_NOT_FOUND")
    assert 1 <= details["retry_after"] <= 61
    with pytest.raises(StockNotAsked):
        _find("YYY")


def test_a_provider_that_fails_makes_no_code_unknown(desk):
    desk.fail()
    refused(ask("/v1/stocks/NEWH"), 503, "DATA_SOURCE_UNAVAILABLE")
    assert not Fetched.objects.exists()


@pytest.mark.parametrize(
    ("listing", "status"),
    [
        ({"code": "OTHER"}, 503),
        ({"name": " \x00"}, 503),
        ({"currency": "EUR"}, 503),
        ({"market": "LSE"}, 404),
        ({"market": ""}, 404),
    ],
)
def test_what_cannot_be_listed_is_not(desk, listing, status):
    desk.knows.companies["NEWH"] = described(listing=listing)
    assert ask("/v1/stocks/NEWH").status_code == status
    assert not Stock.objects.exists()
    assert Dataset.objects.get().origin == Dataset.Origin.EMPTY


def test_texts_are_cut_to_their_columns_and_figures_that_cannot_be_true_are_left_out(desk):
    desk.knows.companies["NEWH"] = described(
        listing={
            "name": "N" * 500,
            "sector": "<i>" + "s" * 300,
            "isin": "no isin",
            "kind": "warrant",
            "shares_outstanding": -5,
        }
    )
    stock = _find("NEWH")
    assert (len(stock.name), len(stock.sector)) == (200, 100)
    assert (stock.isin, stock.kind, stock.shares_outstanding) == ("", "equity", None)


def test_a_database_of_the_sandbox_lists_no_real_stock(desk):
    Dataset.objects.update(origin=Dataset.Origin.SANDBOX)
    desk.knows.companies["NEWH"] = described()
    refused(ask("/v1/stocks/NEWH"), 409, "SANDBOX_AND_REAL_DATA")
    assert not Stock.objects.exists()


def test_without_a_provider_an_unknown_code_is_404(settings):
    settings.MARKET_DATA = []
    refused(ask("/v1/stocks/NEWH"), 404, "STOCK_NOT_FOUND")
    assert not Fetched.objects.exists()


def test_without_redis_nothing_new_is_asked(desk, monkeypatch, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.MARKET_DATA = ["desk"]
    refused(ask("/v1/stocks/NEWH"), 404, "STOCK_NOT_FOUND")
    assert desk.server.requests == []
    assert not Fetched.objects.exists()
