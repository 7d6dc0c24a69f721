"""GET /v1/stocks/search where no listed stock fits"""

from __future__ import annotations

import pytest

from stocks.models import Stock
from stocks.services.elsewhere import found_elsewhere
from stocks.services.first_questions import A_MINUTE
from stocks.tests.desk_cases import at_once, described, standing_desk
from stocks.tests.doors import ask
from stocks.tests.factories import StockFactory
from stocks.tests.shapes import assert_described

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

PATH = "/v1/stocks/search"


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        standing.knows.listings = [
            {"code": "NEWH", "name": "New <b>Horizons</b> Inc.", "market": "NASDAQ", "currency": "USD"}
        ]
        yield standing


def found(q: str) -> list[str]:
    response = ask(PATH, q=q)
    assert_described("stocks_search", response)
    return [row["symbol"] for row in response.json()]


def test_it_works(desk):
    response = ask(PATH, q="horizons")
    assert_described("stocks_search", response)
    assert response.json() == [
        {
            "symbol": "NEWH",
            "company_name": "New Horizons Inc.",
            "current_price": None,
            "previous_close": {"Float64": 0, "Valid": False},
            "updated_at": None,
        }
    ]
    assert not Stock.objects.exists()


def test_one_that_is_found_is_listed_when_it_is_asked_for(desk):
    desk.knows.companies["NEWH"] = described()
    (code,) = found("horizons")
    assert ask(f"/v1/stocks/{code}").status_code == 200


def test_who_is_found_here_is_looked_for_nowhere_else(desk):
    StockFactory.create(code="HORI", name="Horizons of Ours")
    assert found("horizons") == ["HORI"]
    assert desk.server.requests == []


def test_the_same_search_is_made_once_also_where_it_finds_nothing(desk):
    for q in ("horizons", "Horizons", " HORIZONS "):
        assert found(q) == ["NEWH"]
    assert len(desk.asked("/search")) == 1
    desk.knows.listings = []
    for _ in range(3):
        assert found("nothing at all") == []
    assert len(desk.asked("/search")) == 2


def test_many_searches_at_once_cost_one_call(desk):
    desk.knows.seconds = 0.3
    assert at_once(16, lambda: found_elsewhere("horizons")) == [[("NEWH", "New Horizons Inc.")]] * 16
    assert len(desk.asked("/search")) == 1


def test_what_cannot_be_listed_is_not_shown(desk):
    StockFactory.create(code="GONE", is_active=False)
    desk.knows.listings += [
        {"code": "VOD.L", "name": "On another market", "market": "LSE"},
        {"code": "A=X", "name": "No code", "market": "NASDAQ"},
        {"code": "GONE", "name": "Delisted here", "market": "NASDAQ"},
        {"code": "NONE", "name": "", "market": "NASDAQ"},
    ]
    assert found("horizons") == ["NEWH"]


def test_made_up_texts_cost_no_more_than_the_bound_of_a_minute(desk):
    for number in range(A_MINUTE.calls + 5):
        found(f"text {number}")
    assert len(desk.asked("/search")) == A_MINUTE.calls


def test_a_letter_alone_and_a_failure_find_nothing(desk):
    assert found("h") == []
    assert desk.server.requests == []
    desk.fail()
    assert found("horizons") == []
    desk.recover()
    assert found("horizon") == ["NEWH"]


def test_without_redis_nothing_is_found_elsewhere(desk, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.MARKET_DATA = ["desk"]
    assert found("horizons") == []
