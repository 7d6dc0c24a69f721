"""GET /v1/market/company"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from stocks.errors import NoCompany
from stocks.models import CompanyProfile, Dataset, Fetched
from stocks.services.companies import company_report
from stocks.tests.desk_cases import at_once, described, settled, standing_desk
from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory
from stocks.tests.shapes import assert_described

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

PATH = "/v1/market/company"


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        yield standing


@pytest.fixture
def apple():
    return StockFactory.create(code="AAPL", name="Apple Inc.", market_id="NASDAQ", currency="USD")


def test_it_works(desk, apple):
    desk.knows.companies["AAPL"] = described(
        description="Makes <b>phones</b>.", country="US", employees=164_000, market_cap="3500000000000.5"
    )
    response = ask(PATH, symbol="aapl")
    assert_described("market_company", response)
    body = response.json()
    assert body["received_at"] is not None
    assert {name: body[name] for name in body if name != "received_at"} == {
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "market": "NASDAQ",
        "currency": "USD",
        "sector": None,
        "industry": None,
        "country": "US",
        "isin": None,
        "listed_on": None,
        "shares_outstanding": None,
        "market_cap": 3500000000000.5,
        "employees": 164000,
        "website": "https://new.example/",
        "logo": None,
        "description": "Makes phones .",
        "source": "desk",
        "as_of": None,
        "delay_s": None,
        "stale": False,
    }


def test_it_is_asked_for_once_a_week(desk, apple):
    desk.knows.companies["AAPL"] = described()
    for _ in range(3):
        assert ask(PATH, symbol="AAPL").status_code == 200
    assert desk.asked("/company") == [{"code": "AAPL"}]
    now = timezone.now()
    assert not company_report(apple, now=now + timedelta(days=6, hours=23)).stale
    assert company_report(apple, now=now + timedelta(days=7, minutes=1)).stale
    settled()
    assert len(desk.asked("/company")) == 2
    assert not company_report(apple, now=now + timedelta(days=7, minutes=2)).stale


def test_many_readers_of_a_cold_one_cost_one_call(desk, apple):
    desk.knows.companies["AAPL"] = described()
    desk.knows.seconds = 0.3
    reports = at_once(24, lambda: company_report(apple, now=timezone.now()))
    assert {report.profile.description for report in reports} == {"Makes things."}
    assert len(desk.asked("/company")) == 1


def test_the_old_one_is_shown_while_nobody_answers(desk, apple):
    desk.knows.companies["AAPL"] = described()
    assert ask(PATH, symbol="AAPL").status_code == 200
    Fetched.objects.update(at=timezone.now() - timedelta(days=30))
    desk.fail()
    for _ in range(3):
        body = ask(PATH, symbol="AAPL").json()
        assert (body["stale"], body["description"]) == (True, "Makes things.")
        settled()


def test_without_anything_to_show_a_failure_is_said(desk, apple):
    desk.fail()
    refused(ask(PATH, symbol="AAPL"), 503, "DATA_SOURCE_UNAVAILABLE")
    assert not CompanyProfile.objects.exists()


def test_one_that_nobody_describes_is_404_and_asked_for_once(desk, apple):
    for _ in range(3):
        refused(ask(PATH, symbol="AAPL"), 404, "COMPANY_NOT_AVAILABLE")
    assert len(desk.asked("/company")) == 1


def test_a_company_of_another_code_or_currency_is_refused(desk, apple):
    for listing in ({"code": "MSFT"}, {"currency": "EUR"}):
        desk.knows.companies["AAPL"] = described(listing=listing)
        refused(ask(PATH, symbol="AAPL"), 503, "DATA_SOURCE_UNAVAILABLE")
    assert not CompanyProfile.objects.exists()


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("market_cap", "NaN", None),
        ("market_cap", "-5", None),
        ("market_cap", "1E+20", None),
        ("employees", -3, None),
        ("employees", 10**12, None),
        ("website", "javascript:alert(1)", ""),
        ("logo", "https://example.com/" + "a" * 600, ""),
        ("country", "x" * 200, "x" * 60),
    ],
)
def test_a_part_that_cannot_be_true_is_left_out(desk, apple, name, value, kept):
    desk.knows.companies["AAPL"] = described(**{name: value})
    assert ask(PATH, symbol="AAPL").status_code == 200
    assert getattr(CompanyProfile.objects.get(), name) == kept


def test_a_stored_one_is_served_without_any_provider(settings, apple):
    settings.MARKET_DATA = []
    with pytest.raises(NoCompany):
        company_report(apple, now=timezone.now())
    refused(ask(PATH, symbol="AAPL"), 404, "COMPANY_NOT_AVAILABLE")
    CompanyProfile.objects.create(
        stock=apple,
        market_cap=Decimal(5),
        as_of=datetime(2025, 1, 2, 9, 0, 0, tzinfo=UTC),
        received_at=datetime(2025, 1, 2, 9, 0, 1, 250_000, tzinfo=UTC),
        source="finnhub",
    )
    body = ask(PATH, symbol="AAPL").json()
    assert (body["source"], body["delay_s"], body["stale"]) == ("finnhub", 1.25, True)
    assert body["as_of"] == "2025-01-02T09:00:00.000Z"


def test_what_is_stored_says_that_the_data_are_real(desk, apple):
    desk.knows.companies["AAPL"] = described()
    ask(PATH, symbol="AAPL")
    assert Dataset.objects.get().origin == Dataset.Origin.REAL


def test_a_database_of_the_sandbox_takes_no_real_company(desk, apple):
    Dataset.objects.update(origin=Dataset.Origin.SANDBOX)
    desk.knows.companies["AAPL"] = described()
    refused(ask(PATH, symbol="AAPL"), 409, "SANDBOX_AND_REAL_DATA")
    assert not CompanyProfile.objects.exists()


def test_the_sandbox_describes_its_own(settings, apple):
    settings.MARKET_DATA = ["sandbox"]
    body = ask(PATH, symbol="AAPL").json()
    assert body["source"] == "sandbox"
    assert "invented" in body["description"]
    assert body["market_cap"] > 10**11


@pytest.mark.parametrize("symbol", ["", "x" * 33, "A\x00"])
def test_a_broken_symbol_is_refused(symbol):
    assert "symbol" in refused(ask(PATH, symbol=symbol), 400, "VALIDATION_ERROR")


def test_an_unknown_parameter_is_refused():
    assert "fields" in refused(ask(PATH, symbol="A", fields="x"), 400, "VALIDATION_ERROR")


def test_a_warm_one_costs_three_queries(desk, apple, django_assert_num_queries):
    desk.knows.companies["AAPL"] = described()
    ask(PATH, symbol="AAPL")
    with django_assert_num_queries(3):
        assert ask(PATH, symbol="AAPL").status_code == 200
