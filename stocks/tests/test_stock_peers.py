"""GET /v1/stocks/{code}/peers"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from stocks.models import Stock
from stocks.tests.doors import ask, refused
from stocks.tests.factories import QuoteFactory, StockFactory, indicators

pytestmark = pytest.mark.django_db
PATH = "/v1/stocks/005930/peers"


def company(code, cap, *, industry="Chips", day="2024-11-08", **values) -> Stock:
    stock = StockFactory.create(code=code, sector="Tech", industry=industry, **values)
    indicators(stock, day, market_cap=cap, per_ttm=15.2)
    return stock


@pytest.fixture
def samsung(db):
    return company("005930", 400.0)


def peers(**parameters) -> list[str]:
    response = ask(PATH, **parameters)
    assert response.status_code == 200, response.content
    return [one["code"] for one in response.json()["peers"]]


@time_machine.travel(datetime(2024, 11, 8, 6, 31, tzinfo=UTC), tick=False)
def test_it_works(samsung):
    peer = company("000660", 100.0, name="SK")
    QuoteFactory.create(stock=peer, price=Decimal(110), previous_close=Decimal(100))
    body = ask(PATH).json()
    assert body["stock"]["code"] == "005930"
    assert (body["stock"]["market_cap"], body["stock"]["quote"]) == (400, None)
    (found,) = body["peers"]
    assert {name: found[name] for name in ("code", "name", "market", "sector", "industry", "currency")} == {
        "code": "000660",
        "name": "SK",
        "market": "KOSPI",
        "sector": "Tech",
        "industry": "Chips",
        "currency": "KRW",
    }
    assert (found["market_cap"], found["figures_of"]) == (100, "2024-11-08")
    assert (found["indicators"]["per"], found["indicators"]["pbr"]) == (15.2, None)
    assert (found["quote"]["price"], found["quote"]["change_pct"]) == (110, 10)
    assert body["warnings"] == []


def test_the_nearest_in_size_stand_first_as_a_ratio(samsung):
    # 400 is four times 100, a third of 1,200 and half of 800.
    for code, cap in (("A", 100.0), ("B", 1200.0), ("C", 800.0), ("D", 410.0), ("N", None), ("Z", 0.0)):
        company(code, cap)
    assert peers() == ["D", "C", "B", "A", "Z", "N"]
    assert peers(limit=2) == ["D", "C"]


def test_the_industry_goes_before_the_rest_of_the_sector(samsung):
    company("FAR", 1e9)
    company("NEAR", 400.0, industry="Phones")
    company("NONE", 400.0, industry="")
    assert peers() == ["FAR", "NEAR", "NONE"]


def test_without_an_industry_the_sector_decides_and_without_a_sector_the_industry():
    company("005930", 400.0, industry="")
    company("FAR", 1e9, industry="")
    company("NEAR", 410.0)
    assert peers() == ["NEAR", "FAR"]
    Stock.objects.update(sector="", industry="Chips")
    Stock.objects.filter(code="NEAR").update(industry="Phones")
    assert peers() == ["FAR"]


def test_others_are_no_peers(samsung):
    company("KQ", 400.0, market_id="KOSDAQ")
    company("USD", 400.0, currency="USD")
    company("OFF", 400.0, is_active=False)
    company("IDX", 400.0, kind="index")
    company("OLD", 400.0, day="2024-05-03")
    StockFactory.create(code="BARE", sector="Tech", industry="Chips")
    other = StockFactory.create(code="OTHER", sector="Energy")
    indicators(other, market_cap=400.0)
    assert peers() == []


def test_of_unknown_size_its_peers_stand_by_theirs():
    company("005930", None)
    company("S", 1.0)
    company("L", 9.0)
    assert peers() == ["L", "S"]
    assert "stand by size" in ask(PATH).json()["warnings"][0]


def test_without_sector_and_industry_there_is_nothing_to_compare():
    StockFactory.create(code="005930")
    indicators(StockFactory.create(code="X"), market_cap=1.0)
    body = ask(PATH).json()
    assert body["peers"] == []
    assert "sector" in body["warnings"][0]


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 51}, {"limit": "x"}, {"market": "KOSPI"}])
def test_a_wrong_parameter_is_refused(samsung, parameters):
    refused(ask(PATH, **parameters), 400, "VALIDATION_ERROR")


def test_an_unknown_stock_is_404():
    refused(ask("/v1/stocks/NOPE/peers"), 404, "STOCK_NOT_FOUND")


def test_twenty_peers_cost_the_queries_of_one(samsung, django_assert_num_queries):
    company("A", 1.0)
    with django_assert_num_queries(4):
        peers()
    for number in range(20):
        company(f"B{number}", float(number))
    with django_assert_num_queries(4):
        assert len(peers(limit=50)) == 21
