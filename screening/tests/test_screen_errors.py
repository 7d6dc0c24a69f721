"""POST /v1/screen, asked wrongly"""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from screening.fields import NAMES
from stocks.tests.doors import refused

pytestmark = pytest.mark.django_db


def post(body: str):
    return APIClient().generic("POST", "/v1/screen", body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"page": 0}', "page"),
        ('{"page": 1000000000000000000}', "page"),
        ('{"page": 1000001}', "page"),
        ('{"page": "1"}', "page"),
        ('{"page": true}', "page"),
        ('{"page": 1.5}', "page"),
        ('{"page": null}', "page"),
        ('{"per_page": 0}', "per_page"),
        ('{"per_page": 101}', "per_page"),
        ('{"per_page": [10]}', "per_page"),
        ('{"market": "LSE"}', "market"),
        ('{"market": 5}', "market"),
        ('{"market": null}', "market"),
        ('{"market": ["KOSPI"]}', "market"),
        ('{"market": {"$ne": 1}}', "market"),
        ('{"order": "up"}', "order"),
        ('{"order": 1}', "order"),
        ('{"sort_by": "password"}', "sort_by"),
        ('{"sort_by": "-market_cap"}', "sort_by"),
        ('{"sort_by": "market_cap;--"}', "sort_by"),
        ('{"sort_by": "stock__market"}', "sort_by"),
        ('{"sort_by": ["roe"]}', "sort_by"),
        ('{"sort_by": {"roe": 1}}', "sort_by"),
        ('{"sort_by": null}', "sort_by"),
        ('{"filters": []}', "filters"),
        ('{"filters": "per"}', "filters"),
        ('{"filters": null}', "filters"),
        ('{"filters": 5}', "filters"),
        ('{"where": {}}', "where"),
        ('{"is_active": false}', "is_active"),
    ],
)
def test_a_wrong_field_is_refused_by_name(body, field):
    assert field in refused(post(body), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "range_",
    [
        "{}",
        "null",
        "5",
        "[0, 15]",
        '"0-15"',
        '{"min": null}',
        '{"min": null, "max": null}',
        '{"min": "0"}',
        '{"min": true}',
        '{"max": false}',
        '{"min": [1]}',
        '{"max": {"min": 1}}',
        '{"min": 15, "max": 0}',
        '{"min": -1, "max": -1.0000001}',
        '{"gte": 1}',
        '{"min": 1, "eq": 2}',
        '{"min": 1e301}',
        '{"max": -1e301}',
        '{"max": 1' + "0" * 350 + "}",
    ],
)
def test_a_wrong_range_is_refused_by_its_field(range_):
    details = refused(
        post(f'{{"filters": {{"per": {range_}, "roe": {{"min": 1}}}}}}'), 400, "VALIDATION_ERROR"
    )
    assert list(details["filters"]) == ["per"]


@pytest.mark.parametrize(
    "name",
    [
        *("password", "user__password", "_connector", "_negated", "per__gte", "stock__code", "a.b", "-per"),
        *("per ", "PER", "", "code", "name", "per;--", "indicators__per_ttm", "삼성"),
    ],
)
def test_an_unknown_field_is_refused_with_the_known_ones(name):
    response = APIClient().post("/v1/screen", {"filters": {name: {"min": 1}}})
    (message,) = refused(response, 400, "VALIDATION_ERROR")["filters"][name]
    assert message == f"unknown field; allowed: {', '.join(NAMES)}"


def test_a_wrong_choice_is_refused_with_the_right_ones():
    details = refused(post('{"sort_by": "x", "order": "y", "market": "z"}'), 400, "VALIDATION_ERROR")
    assert details["sort_by"] == [f"must be one of: {', '.join([*NAMES, 'code', 'name'])}"]
    assert details["order"] == ["must be one of: asc, desc"]
    assert details["market"][0].startswith("must be one of: KONEX, KOSDAQ, KOSPI")


def test_every_mistake_is_named_at_once():
    body = '{"page": 0, "filters": {"per": {}, "nope": {"min": 1}}, "sort_by": "x"}'
    details = refused(post(body), 400, "VALIDATION_ERROR")
    assert set(details) == {"page", "filters", "sort_by"}
    assert set(details["filters"]) == {"per", "nope"}


def test_more_than_fifty_filters_are_refused():
    filters = {f"field_{number}": {"min": 1} for number in range(51)}
    details = refused(APIClient().post("/v1/screen", {"filters": filters}), 400, "VALIDATION_ERROR")
    assert details == {"filters": ["holds 51 filters; the most is 50"]}


@pytest.mark.parametrize(
    "body",
    [
        "[" * 2000,
        "[" * 33 + "]" * 33,
        '{"filters": {"per": {"min": NaN}}}',
        '{"filters": {"per": {"min": Infinity}}}',
        '{"filters": {"per": {"max": -Infinity}}}',
        '{"filters": {"per": {"min": 1e400}}}',
        '{"filters": {"per": {"min": 1, "min": 2}}}',
        '{"filters": {"per\\u0000": {"min": 1}}}',
        '{"filters": {"\\ud800": {"min": 1}}}',
        '{"market": "KOSPI"',
        "[]",
        '"KOSPI"',
        "null",
        "7",
        "{'market': 'KOSPI'}",
    ],
)
def test_a_body_that_is_no_plain_json_object_is_refused(body):
    refused(post(body), 400, "VALIDATION_ERROR")


def test_a_body_of_more_than_a_megabyte_is_refused():
    refused(post('{"market": "' + "x" * 1024 * 1024 + '"}'), 413, "PAYLOAD_TOO_LARGE")


def test_an_empty_body_is_a_screen_without_conditions():
    assert post("").status_code == post("{}").status_code == 200
