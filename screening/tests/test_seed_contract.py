"""The screen that seed 2 shows, sent as written, answers with the fields it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from stocks.tests.factories import StockFactory, indicators

pytestmark = pytest.mark.django_db
REQUEST = """{
"market": %s,
"filters": {
"per": {"min": 0, "max": 15},
"pbr": {"min": 0, "max": 1.5},
"roe": {"min": 10},
"dividend_yield": {"min": 3},
"quality_score": {"min": 70}
},
"sort_by": %s,
"order": %s,
"page": 1,
"per_page": 50
}"""
SHOWN = {"code", "name", "close_price", "per", "pbr", "roe", "dividend_yield", "quality_score"}


@pytest.mark.parametrize("market", ["KOSPI", "KOSDAQ", "ALL"])
@pytest.mark.parametrize("sort_by", ["market_cap", "per", "roe"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_seed_2_finds_cheap_and_profitable_stocks(market, sort_by, order):
    good = {"per_ttm": 15.0, "pbr": 1.4, "roe": 12.5, "dividend_yield_ttm": 3.1, "quality_score": 85.0}
    changes: list[dict[str, Any]] = [
        {},
        *({field: None} for field in good),
        {"per_ttm": -1.0},
        {"roe": 9.9},
    ]
    for number, change in enumerate(changes):
        stock = StockFactory.create(code=f"{number:06d}", market_id=["KOSPI", "KOSDAQ"][number % 2])
        figures: dict[str, Any] = {**good, **change}
        indicators(stock, close_price=71000.0, market_cap=1e12, **figures)
    body = REQUEST % tuple(map(json.dumps, (market, sort_by, order)))
    response = APIClient().generic("POST", "/v1/screen", body, content_type="application/json")
    assert response.status_code == 200, response.content
    reply = response.json()
    if market != "KOSDAQ":
        (row,) = reply["stocks"]
        assert row.keys() >= SHOWN
        assert row["code"] == "000000"
        assert all(isinstance(row[name], int | float) for name in SHOWN - {"code", "name"})
    assert reply["meta"]["total"] == len(reply["stocks"]) == (0 if market == "KOSDAQ" else 1)
    assert reply["meta"].keys() >= {"page", "per_page", "total", "pages", "query_time_ms"}
