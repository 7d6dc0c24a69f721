"""POST /v1/screen"""

from __future__ import annotations

import json
import re
import threading

import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from stocks.tests.doors import refused
from stocks.tests.factories import StockFactory, indicators

pytestmark = pytest.mark.django_db


def screen(**body):
    return APIClient().post("/v1/screen", body)


def codes(**body) -> list[str]:
    response = screen(**body)
    assert response.status_code == 200, response.content
    return [row["code"] for row in response.json()["stocks"]]


def listed(code: str, market: str = "KOSPI", **figures) -> None:
    indicators(StockFactory.create(code=code, name=f"Company {code}", market_id=market), **figures)


def test_it_works():
    listed(
        "005930",
        close_price=71000.0,
        per_ttm=15.2,
        pbr=1.4,
        roe=12.5,
        dividend_yield_ttm=2.8,
        quality_score=85.0,
        market_cap=423854561050000.0,
    )
    listed("000660", per_ttm=15.3)
    response = screen(filters={"per": {"min": 0, "max": 15.2}}, sort_by="market_cap", order="desc")
    assert response.status_code == 200
    body = response.json()
    milliseconds = body["meta"].pop("query_time_ms")
    assert isinstance(milliseconds, int)
    assert milliseconds > 0
    assert body == {
        "stocks": [
            {
                "code": "005930",
                "name": "Company 005930",
                "market": "KOSPI",
                "currency": "KRW",
                "trade_date": "2024-11-08",
                "close_price": 71000,
                "per": 15.2,
                "pbr": 1.4,
                "roe": 12.5,
                "dividend_yield": 2.8,
                "quality_score": 85,
                "market_cap": 423854561050000,
            }
        ],
        "meta": {"page": 1, "per_page": 50, "total": 1, "pages": 1, "warnings": []},
    }
    assert response["Cache-Control"] == "private, no-store"


def test_without_filters_every_listed_stock_is_found_also_one_without_figures():
    listed("B", market_cap=1.0)
    StockFactory.create(code="A")
    indicators(StockFactory.create(code="OLD", is_active=False), market_cap=5.0)
    assert codes() == codes(filters={}) == ["B", "A"]


def test_a_range_includes_both_its_ends():
    for code, per in (("A", 9.99), ("B", 10.0), ("C", 12.0), ("D", 15.0), ("E", 15.01)):
        listed(code, per_ttm=per)
    assert codes(filters={"per": {"min": 10, "max": 15}}, sort_by="code", order="asc") == ["B", "C", "D"]
    assert codes(filters={"per": {"min": 15}}, sort_by="code", order="asc") == ["D", "E"]
    assert codes(filters={"per": {"min": 12, "max": 12}}) == ["C"]
    assert codes(filters={"per": {"min": None, "max": 9.995}}) == ["A"]


def test_negative_bounds_find_the_losers():
    for code, change in (("A", -5.01), ("B", -5.0), ("C", -4.99), ("D", 5.0)):
        listed(code, change_1d=change)
    assert codes(filters={"change_1d": {"max": -5}}, sort_by="change_1d", order="asc") == ["A", "B"]
    assert codes(filters={"change_pct": {"min": -5, "max": -4.9}}, sort_by="change_pct") == ["C", "B"]


def test_an_unknown_value_never_matches():
    listed("A", roe=None)
    listed("B", roe=0.0)
    StockFactory.create(code="C")
    assert codes(filters={"roe": {"min": -1e300}}) == ["B"]
    assert codes(filters={"roe": {"max": 1e300}}) == ["B"]


def test_a_stock_that_lags_behind_its_market_is_left_out_and_counted():
    for code, day in (("NEW", "2024-11-08"), ("EDGE", "2024-10-09"), ("OLD", "2024-10-08")):
        listed(code, day=day, change_1d=-6.0)
    listed("US1", market="NASDAQ", day="2018-02-07", change_1d=-6.0)
    body = screen(filters={"change_1d": {"max": -5}}, sort_by="code", order="asc").json()
    assert [row["code"] for row in body["stocks"]] == ["EDGE", "NEW", "US1"]
    assert body["meta"]["total"] == 3
    [warning] = body["meta"]["warnings"]
    assert warning.endswith("more than 30 days behind their market's newest: 1.")


def test_amounts_of_different_currencies_are_compared_with_a_warning_only():
    listed("A", market_cap=5.0)
    indicators(StockFactory.create(code="B", market_id="NASDAQ", currency="USD"), market_cap=4.0)
    [warning] = screen(sort_by="market_cap").json()["meta"]["warnings"]
    assert warning.startswith("market_cap compares amounts of different currencies (KRW, USD)")
    assert screen(sort_by="market_cap", market="KOSPI").json()["meta"]["warnings"] == []
    assert screen(sort_by="name").json()["meta"]["warnings"] == []


def test_all_filters_must_hold():
    listed("A", per_ttm=10.0, pbr=1.0)
    listed("B", per_ttm=10.0, pbr=2.0)
    listed("C", per_ttm=20.0, pbr=1.0)
    assert codes(filters={"per": {"max": 15}, "pbr": {"max": 1.5}}) == ["A"]
    assert codes(filters={"per": {"max": 15}, "per_ttm": {"min": 15}}) == []


def test_a_row_tells_what_is_filtered_and_sorted_by_under_the_clients_names():
    listed("A", change_1d=1.5, rsi_14=61.23456, per_ttm=9.0)
    body = screen(filters={"change_pct": {"min": 0}, "per_ttm": {"min": 0}}, sort_by="rsi_14").json()
    (row,) = body["stocks"]
    assert (row["change_pct"], row["per_ttm"], row["per"], row["rsi_14"]) == (1.5, 9, 9, 61.2346)
    assert "change_1d" not in row


def test_numbers_are_clean():
    listed("A", close_price=150.25, market_cap=1.234567e15, roe=0.1 + 0.2, per_ttm=1e-9, rsi_14=None)
    text = screen(sort_by="market_cap").content.decode()
    assert '"close_price":150.25' in text
    assert '"market_cap":1234567000000000' in text
    assert '"roe":0.3,' in text
    assert '"per":0,' in text
    assert not re.search(r"\d[eE][+-]?\d|NaN|Infinity|-0[,}]", text)


@pytest.mark.parametrize(
    ("order", "expected"), [("asc", ["B", "A", "C", "D", "E"]), ("desc", ["A", "C", "B", "D", "E"])]
)
def test_unknown_values_come_last_both_ways_and_equal_ones_in_order_of_code(order, expected):
    listed("E", roe=None)
    listed("C", roe=9.0)
    listed("A", roe=9.0)
    listed("B", roe=1.0)
    StockFactory.create(code="D")
    assert codes(sort_by="roe", order=order) == expected


def test_code_and_name_are_orders_too():
    listed("A")
    listed("B")
    assert codes(sort_by="name", order="desc") == ["B", "A"]
    assert codes(sort_by="code", order="asc") == ["A", "B"]


def test_the_largest_companies_come_first_where_nothing_is_said():
    listed("A", market_cap=1.0)
    listed("B", market_cap=3.0)
    listed("C", market_cap=2.0)
    assert codes() == ["B", "C", "A"]


def test_a_market_narrows_the_screen():
    listed("A", market="KOSDAQ")
    listed("B", market="KOSPI")
    assert codes(market="KOSDAQ") == ["A"]
    assert codes(market="kospi") == ["B"]
    assert codes(market="ALL", sort_by="code", order="asc") == ["A", "B"]


def test_pages_cover_every_match_once():
    for number in range(7):
        listed(f"S{number}", roe=float(number % 2))
    pages = [codes(sort_by="roe", per_page=3, page=page) for page in (1, 2, 3)]
    assert pages == [["S1", "S3", "S5"], ["S0", "S2", "S4"], ["S6"]]
    beyond = screen(per_page=3, page=1_000_000).json()
    assert beyond["stocks"] == []
    assert {**beyond["meta"], "query_time_ms": 0} == {
        "page": 1_000_000,
        "per_page": 3,
        "total": 7,
        "pages": 3,
        "query_time_ms": 0,
        "warnings": [],
    }


def test_a_field_that_no_stock_of_the_market_has_is_named():
    listed("A", market="KOSPI", dividend_yield_ttm=None, per_ttm=10.0)
    listed("B", market="NASDAQ", dividend_yield_ttm=2.0)
    filters = {"dividend_yield": {"min": 3}, "per": {"max": 15}}
    meta = screen(market="KOSPI", filters=filters).json()["meta"]
    assert meta["total"] == 0
    assert meta["warnings"] == ["No listed stock of this market has a value for dividend_yield."]
    assert screen(market="NASDAQ", filters={"dividend_yield": {"min": 3}}).json()["meta"]["warnings"] == []


def test_an_order_by_values_that_nobody_found_has_is_named():
    listed("A", roe=1.0)
    meta = screen(filters={"roe": {"min": 0}}, sort_by="rsi_14").json()["meta"]
    assert meta["warnings"] == ["No stock found has a value for rsi_14; they are in order of code."]


def test_twenty_rows_cost_the_queries_of_one(django_assert_num_queries):
    listed("A")
    # A savepoint, the time limit, the page with its total, and the end of the savepoint.
    with django_assert_num_queries(5):
        codes()
    for number in range(19):
        listed(f"B{number}")
    with django_assert_num_queries(5):
        assert len(codes()) == 20


@pytest.mark.django_db(transaction=True)
def test_a_screen_that_takes_more_than_a_second_is_ended():
    locked, done = threading.Event(), threading.Event()

    def hold_the_table() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE stocks_latestindicators IN ACCESS EXCLUSIVE MODE")
            locked.set()
            done.wait(30)
            cursor.execute("ROLLBACK")
        connections.close_all()

    thread = threading.Thread(target=hold_the_table)
    thread.start()
    try:
        assert locked.wait(30)
        details = refused(screen(filters={"per": {"max": 15}}), 503, "SCREEN_TIMEOUT")
    finally:
        done.set()
        thread.join()
    assert details == {}
    assert codes() == []  # the connection is whole and its usual limit is back
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("1s",)


def test_it_only_takes_posts_of_json():
    client = APIClient()
    refused(client.get("/v1/screen"), 405, "METHOD_NOT_ALLOWED")
    body = json.dumps({"market": "ALL"})
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        response = client.generic("POST", "/v1/screen", body, content_type=content_type)
        refused(response, 415, "UNSUPPORTED_MEDIA_TYPE")
