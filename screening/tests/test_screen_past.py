"""POST /v1/screen with as_of"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from screening import past
from stocks.compute import compute_indicators
from stocks.dataset import bump_version
from stocks.models import DailyBar, Stock
from stocks.providers.sandbox import Sandbox
from stocks.sandbox_fill import fill_sandbox
from stocks.tests.doors import member, refused
from stocks.tests.shapes import assert_described

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)
DAY = date(2025, 6, 30)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    past._kept.clear()
    yield
    past._kept.clear()


@pytest.fixture
def market() -> str:
    fill_sandbox(sandbox=Sandbox(stocks_per_market=12), now=NOW)
    return "KOSPI"


def ask(client: APIClient, **body):
    response = client.post("/v1/screen", body)
    assert response.status_code == 200, response.content
    return response.json()


BODIES: list[dict[str, Any]] = [
    {},
    {"q": "close_price > sma_20 or per < 12", "sort_by": "per", "order": "asc"},
    {"filters": {"roe": {"min": 5}}, "sort_by": "name", "order": "asc", "per_page": 3, "page": 2},
    {"q": "percentile(change_1m, market) >= 50 and sector_relative(pbr) < 1", "sort_by": "quality_score"},
    {"q": "not (rsi_14 > 50) or volume is null", "sort_by": "code", "order": "asc"},
]


def test_a_day_is_screened_as_it_was_when_it_was_the_last_one(market):
    client = member()
    replies = [ask(client, market=market, as_of=DAY.isoformat(), **body) for body in BODIES]
    compute_indicators(market=market, as_of=DAY)
    for body, reply in zip(BODIES, replies, strict=True):
        then = ask(client, market=market, **body)
        assert reply["stocks"] == then["stocks"]
        assert reply["meta"]["total"] == then["meta"]["total"]
        assert all(row["trade_date"] == "2025-06-30" for row in reply["stocks"])
    assert sum(bool(reply["stocks"]) for reply in replies) >= 4


def test_nothing_of_later_days_is_seen(market):
    client = member()
    body = {"market": market, "as_of": DAY.isoformat(), "sort_by": "code", "q": "per > 0 or per < 0"}
    before = ask(client, **body)
    DailyBar.objects.filter(date__gt=DAY, stock__market=market).update(close=1, low=1)
    bump_version()
    assert ask(client, **body)["stocks"] == before["stocks"]


def test_a_stock_that_has_left_is_found_and_one_that_came_later_is_not(market):
    client = member()
    body = {"market": market, "as_of": DAY.isoformat(), "sort_by": "code", "order": "asc"}
    all_codes = [row["code"] for row in ask(client, **body)["stocks"]]
    left, later = all_codes[:2]
    Stock.objects.filter(code=left).update(is_active=False)
    DailyBar.objects.filter(stock__code=later, date__lte=DAY).delete()
    bump_version()
    codes = [row["code"] for row in ask(client, **body)["stocks"]]
    assert codes == [code for code in all_codes if code != later]
    assert left in codes


def test_a_day_is_computed_once_until_the_data_change(market):
    client = member()
    body = {"market": market, "as_of": DAY.isoformat()}
    first = ask(client, **body)
    kept = list(past._kept)
    assert len(kept) == 1
    assert ask(client, **body)["stocks"] == first["stocks"]
    assert list(past._kept) == kept
    bump_version()
    ask(client, **body)
    assert len(past._kept) == 2
    for days in range(5):
        ask(client, market=market, as_of=(DAY - timedelta(days=days)).isoformat())
    assert len(past._kept) == past.KEPT


def test_a_page_beyond_the_last_one_knows_the_total(market):
    body = ask(member(), market=market, as_of=DAY.isoformat(), page=1000)
    assert body["stocks"] == []
    assert body["meta"]["total"] > 0


def test_before_the_first_bar_there_is_nothing(market):
    body = ask(member(), market=market, as_of="1990-01-01", q="per < 5")
    assert (body["stocks"], body["meta"]["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"as_of": "2025-06-30"}, "as_of"),
        ({"as_of": "2025-06-30", "market": "ALL"}, "as_of"),
        ({"as_of": "2999-01-01", "market": "KOSPI"}, "as_of"),
        ({"as_of": "1899-12-31", "market": "KOSPI"}, "as_of"),
        ({"as_of": "30.06.2025", "market": "KOSPI"}, "as_of"),
        ({"as_of": "2025-06-31", "market": "KOSPI"}, "as_of"),
        ({"as_of": 20250630, "market": "KOSPI"}, "as_of"),
        ({"as_of": None, "market": "KOSPI"}, "as_of"),
        ({"as_of": "2025-06-30", "market": "KOSPI", "q": "close_price crosses_above sma_20"}, "as_of"),
        ({"as_of": "2025-06-30", "market": "KOSPI", "q": "percentile(per, all) < 5"}, "as_of"),
    ],
)
def test_a_day_that_cannot_be_asked_is_refused(body, field):
    assert field in refused(member().post("/v1/screen", body), 400, "VALIDATION_ERROR")
    assert not member().post("/v1/screen/validate", body).json()["valid"]


def test_it_needs_an_account():
    body = {"market": "KOSPI", "as_of": "2025-06-30"}
    refused(APIClient().post("/v1/screen", body), 401, "UNAUTHORIZED")
    assert_described("screen_run", member().post("/v1/screen", body))
    assert "as_of" in refused(member().post("/v1/screen/explain", body), 400, "VALIDATION_ERROR")


def test_a_saved_screen_is_run_on_a_day(market):
    client = member()
    body = {"market": market, "q": "close_price > sma_20", "sort_by": "code", "order": "asc"}
    path = f"/v1/screens/{client.post('/v1/screens', {'name': 'A', **body}).json()['id']}"
    expected = ask(client, as_of=DAY.isoformat(), **body)["stocks"]
    assert client.get(f"{path}/results", {"as_of": DAY.isoformat()}).json()["stocks"] == expected != []
    shared = client.post(f"{path}/share").json()["share_url"].partition("/v1/")[2]
    refused(APIClient().get(f"/v1/{shared}/results", {"as_of": DAY.isoformat()}), 401, "UNAUTHORIZED")
    assert client.get(f"/v1/{shared}/results", {"as_of": DAY.isoformat()}).json()["stocks"] == expected
    client.patch(path, {"market": "ALL"})
    details = refused(client.get(f"{path}/results", {"as_of": DAY.isoformat()}), 400, "VALIDATION_ERROR")
    assert details == {"as_of": ["needs one market"]}
