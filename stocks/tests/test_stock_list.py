"""GET /v1/stocks"""

from __future__ import annotations

import pytest

from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db


def codes(response) -> list[str]:
    return [row["code"] for row in response.json()["stocks"]]


def test_it_works():
    StockFactory.create(code="005930", name="삼성전자", sector="Technology", industry="Semiconductors")
    response = ask("/v1/stocks")
    assert response.status_code == 200
    assert response.json() == {
        "stocks": [
            {
                "code": "005930",
                "name": "삼성전자",
                "market": "KOSPI",
                "sector": "Technology",
                "industry": "Semiconductors",
            }
        ],
        "meta": {"page": 1, "per_page": 50, "total": 1, "pages": 1},
    }


def test_nothing_listed_is_an_empty_page():
    assert ask("/v1/stocks").json() == {
        "stocks": [],
        "meta": {"page": 1, "per_page": 50, "total": 0, "pages": 0},
    }


def test_a_sector_nobody_told_is_null():
    StockFactory.create()
    row = ask("/v1/stocks").json()["stocks"][0]
    assert (row["sector"], row["industry"]) == (None, None)


def test_a_market_and_a_sector_narrow_the_list():
    StockFactory.create(code="A", market_id="KOSDAQ", sector="Technology")
    StockFactory.create(code="B", market_id="KOSDAQ", sector="Health")
    StockFactory.create(code="C", market_id="KOSPI", sector="Technology")
    assert codes(ask("/v1/stocks", market="KOSDAQ")) == ["A", "B"]
    assert codes(ask("/v1/stocks", market="kosdaq", sector="technology")) == ["A"]
    assert codes(ask("/v1/stocks", market="ALL", sector="Technology")) == ["A", "C"]


def test_what_is_no_longer_listed_is_left_out():
    StockFactory.create(code="A", is_active=False)
    StockFactory.create(code="B")
    assert codes(ask("/v1/stocks")) == ["B"]


def test_pages_follow_each_other_in_order_of_code():
    for number in (3, 1, 2, 5, 4):
        StockFactory.create(code=f"S{number}")
    assert codes(ask("/v1/stocks", per_page=2)) == ["S1", "S2"]
    assert codes(ask("/v1/stocks", per_page=2, page=3)) == ["S5"]
    last = ask("/v1/stocks", per_page=2, page=1_000_000)
    assert last.json() == {
        "stocks": [],
        "meta": {"page": 1_000_000, "per_page": 2, "total": 5, "pages": 3},
    }


def test_an_unknown_market_is_refused_with_the_known_ones():
    details = refused(ask("/v1/stocks", market="LSE"), 400, "VALIDATION_ERROR")
    assert details == {"market": ["must be one of: KONEX, KOSDAQ, KOSPI, NASDAQ, NSE, NYSE, US, ALL"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", str(10**18)),
        ("page", "1e3"),
        ("page", "NaN"),
        ("per_page", "101"),
        ("per_page", str(10**9)),
        ("per_page", "x"),
        ("market", "a\x00b"),
        ("sector", "x" * 101),
        ("sector", "a\x00"),
        ("color", "red"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(name, value):
    assert name in refused(ask("/v1/stocks", **{name: value}), 400, "VALIDATION_ERROR")


def test_an_empty_parameter_counts_as_not_given():
    StockFactory.create()
    assert len(codes(ask("/v1/stocks", page="", market="", sector=""))) == 1


def test_a_parameter_given_twice_is_refused():
    refused(ask("/v1/stocks?page=1&page=2"), 400, "VALIDATION_ERROR")


def test_twenty_rows_cost_the_queries_of_one(django_assert_num_queries):
    StockFactory.create()
    with django_assert_num_queries(3):
        ask("/v1/stocks", market="KOSPI")
    StockFactory.create_batch(19)
    with django_assert_num_queries(3):
        assert len(codes(ask("/v1/stocks", market="KOSPI"))) == 20


def test_others_may_keep_the_list_for_a_minute_unless_it_was_asked_with_credentials(client):
    assert ask("/v1/stocks")["Cache-Control"] == "public, max-age=60"
    assert ask("/v1/stocks", page=0)["Cache-Control"] == "private, no-store"
    refused_key = client.get("/v1/stocks", headers={"X-API-Key": "sk_wrong"})
    refused(refused_key, 401, "UNAUTHORIZED")
    assert refused_key["Cache-Control"] == "private, no-store"


def test_it_only_reads(client):
    refused(client.post("/v1/stocks", {}, content_type="application/json"), 405, "METHOD_NOT_ALLOWED")
    refused(client.delete("/v1/stocks"), 405, "METHOD_NOT_ALLOWED")
