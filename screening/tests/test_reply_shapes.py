"""Every reply is what the OpenAPI document says it is"""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from stocks.tests.factories import StockFactory, indicators
from stocks.tests.shapes import assert_described

pytestmark = pytest.mark.django_db


def test_a_screen_is_described():
    indicators(StockFactory.create(code="A"), per_ttm=10.0)
    StockFactory.create(code="B")
    for body in ({}, {"filters": {"roe": {"min": 1}}}, {"sort_by": "rsi_14", "filters": {"per": {"min": 1}}}):
        assert_described("screen_run", APIClient().post("/v1/screen", body))


@pytest.mark.parametrize(
    ("operation", "path"), [("screen_fields", "/v1/screen/fields"), ("indicators_list", "/v1/indicators")]
)
def test_the_catalogue_is_described(client, operation, path):
    assert_described(operation, client.get(path))
