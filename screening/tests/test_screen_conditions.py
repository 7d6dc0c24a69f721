"""POST /v1/screen with where and q, screen/validate and screen/explain"""

from __future__ import annotations

import json

import pytest
from rest_framework.test import APIClient

from screening.conditions import in_text
from screening.fields import NAMES
from screening.tests.naive import Naive
from screening.tests.stocks_at_hand import make_stocks
from stocks.tests.doors import refused
from stocks.tests.factories import StockFactory, indicators
from stocks.tests.shapes import assert_described

pytestmark = pytest.mark.django_db


def post(path="screen", **body):
    return APIClient().post(f"/v1/{path}", body)


def codes(**body) -> list[str]:
    response = post(**{"sort_by": "code", "order": "asc", **body})
    assert response.status_code == 200, response.content
    return [row["code"] for row in response.json()["stocks"]]


def listed(code: str, market: str = "KOSPI", sector: str = "Technology", **figures) -> None:
    stock = StockFactory.create(code=code, market_id=market, sector=sector)
    indicators(stock, **figures)


@pytest.fixture
def three() -> None:
    listed("A", per_ttm=10.0, roe=20.0, operating_margin=15.0)
    listed("B", per_ttm=20.0, roe=20.0, operating_margin=25.0)
    listed("C", market="KOSDAQ", sector="Financials", per_ttm=None, roe=5.0, operating_margin=1.0)


def test_a_text_and_a_tree_ask_the_same(three):
    q = 'per < 15 and not sector in ("Financials") and roe > operating_margin'
    where = {
        "and": [
            {"field": "per", "op": "lt", "value": 15},
            {"not": {"field": "sector", "op": "in", "value": ["Financials"]}},
            {"field": "roe", "op": "gt", "other": "operating_margin"},
        ]
    }
    assert codes(q=q) == codes(where=where) == ["A"]
    assert codes(q='market = "kosdaq" or per > 15') == ["B", "C"]


def test_filters_where_and_q_must_all_hold(three):
    assert codes(filters={"roe": {"min": 10}}) == ["A", "B"]
    assert codes(filters={"roe": {"min": 10}}, q="per > 15") == ["B"]
    where = {"field": "roe", "op": "lt", "other": "operating_margin"}
    assert codes(filters={"roe": {"min": 10}}, q="per > 5", where=where) == ["B"]
    assert codes(filters={"roe": {"min": 10}}, q="per < 15", where=where) == []
    assert codes(market="KOSDAQ", q="per < 15 or roe > 1") == ["C"]


def test_an_unknown_value_meets_neither_a_comparison_nor_its_negation(three):
    assert codes(q="per < 15") == ["A"]
    assert codes(q="not per < 15") == ["B"]
    assert codes(q="per is null") == ["C"]


def test_a_row_tells_what_was_asked_under_the_names_it_was_asked_with(three):
    [row] = post(q="per_ttm < 15 and percentile(operating_margin, all) > 1").json()["stocks"]
    assert (row["per_ttm"], row["per"], row["operating_margin"]) == (10, 10, 15)


def test_what_is_unknown_for_all_is_named(three):
    meta = post(q="rsi_14 < 30", market="KOSPI").json()["meta"]
    assert meta["total"] == 0
    assert meta["warnings"] == ["No listed stock of this market has a value for rsi_14."]


def test_amounts_are_compared_across_currencies_with_a_warning_only():
    listed("A", close_price=5.0, sma_60=4.0, market_cap=9.0)
    indicators(StockFactory.create(code="B", market_id="NASDAQ", currency="USD"), close_price=5.0, sma_60=4.0)
    for q, named in [
        ("close_price > 4", "close_price"),
        ("close_price - sma_60 > 0.5 and market_cap is not null", "close_price, sma_60"),
        ("percentile(market_cap, all) >= 0 or close_price > sma_60", "market_cap"),
        ("close_price > sma_60", None),
        ("close_price / sma_60 > 1.1", None),
        ("percentile(close_price, market) >= 0", None),
    ]:
        warnings = post(q=q, sort_by="code").json()["meta"]["warnings"]
        assert [warning.split(" compares amounts")[0] for warning in warnings] == ([named] if named else [])


def test_every_page_of_a_random_market_is_what_plain_python_finds():
    rows = make_stocks(wild=False)
    compared = Naive([row for row in rows if not row.lags])
    q = (
        "(per between -5 and 5 or percentile(pbr, market) > 60) and not roe / per > 1"
        " or sma_20 crosses_above 0 within 2"
    )
    expected = compared.codes(in_text(q).condition)
    pages = [codes(q=q, per_page=7, page=page) for page in range(1, len(expected) // 7 + 2)]
    assert 7 < len(expected) < 50
    assert [code for page in pages for code in page] == expected


@pytest.mark.parametrize(
    ("q", "column", "length"),
    [
        ("per < 15 and prr > 1", 14, 3),
        ("per <", 6, 1),
        ("", 1, 1),
        ("user__password = 'x'", 1, 14),
        ("per < 1; DROP TABLE stocks_stock", 8, 1),
        ("per < 1e308", 7, 5),
        ("per = NaN", 7, 3),
        ("not " * 100 + "per < 1", 129, 3),
        ("per < 1 and " * 60 + "per < 1", 1, 727),
    ],
)
def test_a_wrong_text_is_refused_with_the_column(q, column, length):
    details = refused(post(q=q), 400, "VALIDATION_ERROR")
    [message] = details["q"]
    assert message.startswith(f"column {column}: ")
    assert (details["column"], details["length"]) == (column, length)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"where": {"field": "user__password", "op": "eq", "value": 1}}', "field: unknown field"),
        (
            '{"where": {"and": [{"field": "_connector", "op": "eq", "value": 1}]}}',
            "and[0].field: unknown field",
        ),
        ('{"where": {"_connector": "OR", "field": "per", "op": "eq", "value": 1}}', "unknown key"),
        ('{"where": {"field": "per", "op": "__gte", "value": 1}}', "op: must be one of: lt"),
        ('{"where": {"field": "per", "op": "lt", "value": 1e308}}', "value: a number must lie between"),
        ('{"where": {"field": "per", "op": "lt", "value": 1' + "0" * 308 + "}}", "value: a number must lie"),
        (
            '{"where": ' + '{"not": ' * 20 + "{}" + "}" * 21,
            "not.not.not.not.not.not.not.not: is deeper than",
        ),
        ('{"where": []}', "must be a condition"),
    ],
)
def test_a_wrong_tree_is_refused_with_the_place(body, place):
    response = APIClient().generic("POST", "/v1/screen", body, content_type="application/json")
    [message] = refused(response, 400, "VALIDATION_ERROR")["where"]
    assert message.startswith(place)


@pytest.mark.parametrize(
    "body",
    [
        '{"where": {"field": "per", "op": "lt", "value": NaN}}',
        '{"where": {"field": "per", "op": "lt", "value": 1e400}}',
        '{"where": %s}' % ("[" * 40 + "]" * 40),
        '{"q": 5}',
        '{"q": null}',
        '{"q": ["per < 1"]}',
        '{"q": "per < 1", "q": "roe < 1"}',
        '{"sort_by": "-x;--"}',
        '{"sort_by": "-per", "q": "per < 1"}',
    ],
)
def test_injections_and_broken_bodies_are_refused(body):
    response = APIClient().generic("POST", "/v1/screen", body, content_type="application/json")
    refused(response, 400, "VALIDATION_ERROR")


def test_an_unknown_field_is_refused_with_the_known_ones():
    details = refused(post(q="nope > 1"), 400, "VALIDATION_ERROR")
    assert all(name in details["q"][0] for name in (*NAMES, "market", "sector"))


def test_a_screen_can_be_validated_without_being_run(django_assert_num_queries):
    with django_assert_num_queries(0):
        body = post("screen/validate", filters={"per": {"max": 15}}, q="roe > 10 or pbr < 1").json()
    assert body == {
        "valid": True,
        "q": "per_ttm <= 15 and (roe > 10 or pbr < 1)",
        "where": {
            "and": [
                {"field": "per_ttm", "op": "lte", "value": 15},
                {
                    "or": [
                        {"field": "roe", "op": "gt", "value": 10},
                        {"field": "pbr", "op": "lt", "value": 1},
                    ]
                },
            ]
        },
        "fields": ["per_ttm", "roe", "pbr"],
        "problems": [],
    }
    assert post("screen/validate").json() == {
        "valid": True,
        "q": None,
        "where": None,
        "fields": [],
        "problems": [],
    }


def test_every_problem_of_a_screen_is_told():
    body = post(
        "screen/validate",
        filters={"per": {}, "x": {"min": 1}},
        q="per <",
        where={"and": []},
        sort_by="y",
        z=1,
    ).json()
    assert not body["valid"]
    problems = {problem["part"]: problem for problem in body["problems"]}
    assert problems["z"]["message"].startswith("unknown field; allowed: ")
    body = post(
        "screen/validate",
        filters={"per": {}, "x": {"min": 1}},
        q="per <",
        where={"and": []},
        sort_by="y",
    ).json()
    problems = {problem["part"]: problem for problem in body["problems"]}
    assert problems.keys() == {"filters.per", "filters.x", "q", "where", "sort_by"}
    assert (problems["q"]["column"], problems["q"]["length"]) == (6, 1)
    assert problems["where"]["message"] == "and: must be a list of one or more conditions"


@pytest.mark.parametrize("body", [[], [None], "per < 15", 5])
def test_what_is_no_object_is_no_screen_to_be_told_about(body):
    reply = APIClient().post("/v1/screen/validate", body, format="json")
    assert (reply.status_code, reply.json()["error"]) == (400, "VALIDATION_ERROR")


def test_an_explanation_counts_what_each_criterion_lets_through():
    for number in range(10):
        listed(f"S{number}", per_ttm=float(number), roe=float(number) if number else None, pbr=1.0)
    listed("OLD", day="2020-01-02", per_ttm=1.0, roe=9.0, pbr=1.0)
    listed("US", market="NASDAQ", per_ttm=1.0, roe=9.0, pbr=1.0)
    body = post(
        "screen/explain", market="KOSPI", filters={"per": {"min": 2, "max": 6}}, q="roe >= 5 and pbr = 1"
    ).json()
    assert body.pop("query_time_ms") >= 1
    assert body == {
        "compared": 10,
        "total": 2,
        "criteria": [
            {"q": "per_ttm between 2 and 6", "matches": 5, "unknown": 0, "gained": 3},
            {"q": "roe >= 5", "matches": 5, "unknown": 1, "gained": 3},
            {"q": "pbr = 1", "matches": 10, "unknown": 0, "gained": 0},
        ],
        "relax": {"criterion": 0, "q": "per_ttm between 2 and 6", "gained": 3},
    }


def test_the_explanation_agrees_with_the_screens_that_it_is_about():
    make_stocks(wild=False)
    parts = [
        "per between -5 and 15",
        "pbr is not null",
        "not (roe < 0 or roe > 14)",
        "percentile(pbr, all) < 70",
    ]
    body = post("screen/explain", q=" and ".join(parts)).json()
    whole = len(codes(q=" and ".join(parts), per_page=100))
    assert body["total"] == whole > 0
    assert body["compared"] == len(codes(per_page=100))
    for part, told in zip(parts, body["criteria"], strict=True):
        others = " and ".join(other for other in parts if other != part)
        assert told["matches"] == len(codes(q=part, per_page=100))
        assert told["gained"] == len(codes(q=others, per_page=100)) - whole
        negated = codes(q=f"not ({part})", per_page=100)
        assert told["unknown"] == body["compared"] - told["matches"] - len(negated)
    assert body["relax"]["gained"] == max(one["gained"] for one in body["criteria"]) > 0


def test_a_screen_that_cannot_be_relaxed_says_so():
    listed("A", per_ttm=1.0, roe=1.0)
    assert post("screen/explain", q="per > 5 and roe > 5").json()["relax"] is None
    assert post("screen/explain").json()["criteria"] == []


def test_the_replies_are_described(three):
    assert_described("screen_run", post(q="per < 15", where={"field": "roe", "op": "not_null"}))
    for body in ({"q": "per < 15 and roe > 1"}, {"q": "per < 15 and"}, {}):
        assert_described("screen_validate", post("screen/validate", **body))
    assert_described("screen_explain", post("screen/explain", q="per < 15 and roe > 1"))
    assert_described("screen_explain", post("screen/explain"))
    refused(post("screen/explain", q="per <"), 400, "VALIDATION_ERROR")
    assert json.loads(post("screen/validate", q="per < 0.1").content)["where"]["value"] == 0.1
