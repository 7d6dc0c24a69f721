"""Screens and pages of the whole KRX market, loaded from the real files by the project's own commands"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from rest_framework.test import APIClient

from screening.fields import column
from stocks.models import CorporateAction, LatestIndicators, Stock
from stocks.tests.doors import ask, member

pytestmark = pytest.mark.django_db
SEED_2: dict[str, Any] = {
    "market": "KOSPI",
    "filters": {
        "per": {"min": 0, "max": 15},
        "pbr": {"min": 0, "max": 1.5},
        "roe": {"min": 10},
        "dividend_yield": {"min": 3},
        "quality_score": {"min": 70},
    },
    "sort_by": "market_cap",
    "order": "desc",
    "page": 1,
    "per_page": 50,
}


LAGGING = "Left out for a last session more than 30 days behind their market's newest: 27."


@pytest.fixture(scope="module", autouse=True)
def krx(django_db_setup: None, django_db_blocker: Any, market_data_dir: Path) -> Iterator[None]:
    """Loaded once, and taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_stocks", str(market_data_dir / "krx_listing_2026_03.csv"))
        for name in ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz"):
            call_command("load_prices", str(market_data_dir / name))
        call_command("load_statements", str(market_data_dir / "krx_fundamentals_2023_2025.csv"))
        call_command("compute_indicators")
        yield
        transaction.set_rollback(True)


def screen(body: dict[str, Any]) -> dict[str, Any]:
    response = APIClient().post("/v1/screen", body)
    assert response.status_code == 200, response.content
    reply: dict[str, Any] = response.json()
    return reply


def expected(body: dict[str, Any]) -> list[str]:
    """The codes that the stored figures say, worked out in plain Python, best first."""
    names = [*body["filters"], body["sort_by"]]
    rows = LatestIndicators.objects.filter(stock__is_active=True).values(
        "stock__code", "stock__market_id", "date", *map(column, names)
    )
    newest: dict[str, date] = {}
    for row in rows:
        newest[row["stock__market_id"]] = max(row["date"], newest.get(row["stock__market_id"], row["date"]))
    found = []
    for row in rows:
        if (newest[row["stock__market_id"]] - row["date"]).days > 30:
            continue
        values = {name: row[column(name)] for name in names}
        inside = all(
            values[name] is not None
            and range_.get("min", float("-inf")) <= values[name] <= range_.get("max", float("inf"))
            for name, range_ in body["filters"].items()
        )
        if inside and body.get("market", "ALL") in ("ALL", row["stock__market_id"]):
            found.append((values[body["sort_by"]], row["stock__code"]))
    sign = -1 if body.get("order", "desc") == "desc" else 1
    return [
        code for _, code in sorted(found, key=lambda item: (item[0] is None, sign * (item[0] or 0), item[1]))
    ]


def test_seed_2s_screen_without_the_dividend_finds_real_companies():
    body = {**SEED_2, "filters": {k: v for k, v in SEED_2["filters"].items() if k != "dividend_yield"}}
    reply = screen(body)
    rows = reply["stocks"]
    assert len(rows) >= 10
    assert reply["meta"]["warnings"] == [LAGGING]
    assert [row["code"] for row in rows] == expected(body)[:50]
    assert reply["meta"]["total"] == len(expected(body))
    names = dict(Stock.objects.values_list("code", "name"))
    for row in rows:
        assert row["name"] == names[row["code"]]
        assert row["market"] == "KOSPI"
        assert row["close_price"] > 0
        for name, range_ in body["filters"].items():
            assert range_.get("min", row[name]) <= row[name] <= range_.get("max", row[name])
    caps = [row["market_cap"] for row in rows]
    assert caps == sorted(caps, reverse=True)


def test_seed_2s_screen_as_written_says_why_it_finds_nothing():
    meta = screen(SEED_2)["meta"]
    assert meta["total"] == 0
    assert meta["warnings"] == ["No listed stock of this market has a value for dividend_yield.", LAGGING]


def test_the_losers_of_the_day_are_found():
    body = {"filters": {"change_1d": {"max": -5}}, "sort_by": "change_1d", "order": "asc", "per_page": 100}
    reply = screen(body)
    changes = [row["change_1d"] for row in reply["stocks"]]
    assert changes == sorted(changes)
    assert changes[-1] <= -5
    assert [row["code"] for row in reply["stocks"]] == expected(body)[:100]


def test_every_page_of_the_market_together_is_the_market():
    total = screen({"per_page": 100})["meta"]["total"]
    lagging = 147  # the second file has no row of them, so their last session is that of the first
    assert total == Stock.objects.filter(is_active=True).count() - lagging > 2700
    codes = [
        row["code"]
        for page in range(1, total // 100 + 2)
        for row in screen({"per_page": 100, "page": page, "sort_by": "roe"})["stocks"]
    ]
    assert len(codes) == len(set(codes)) == total


def test_the_list_has_every_listed_company():
    assert ask("/v1/stocks", market="KOSPI").json()["meta"]["total"] == 951
    assert ask("/v1/stocks", market="KONEX").json()["meta"]["total"] == 110


def test_samsung_is_found_by_its_korean_name():
    first = ask("/v1/stocks/search", q="삼성").json()[0]
    assert (first["symbol"], first["company_name"]) == ("005930", "삼성전자")


def test_samsungs_page_agrees_with_the_file():
    body = ask("/v1/stocks/005930").json()
    assert body["latest_price"]["trade_date"] == "2026-07-24"
    assert body["isin"] == "KR7005930003"
    assert (
        body["latest_price"]["market_cap"] == body["latest_price"]["close_price"] * body["shares_outstanding"]
    )
    assert body["quote"]["price_basis"] == "close"
    session = member().get("/v1/symbol/005930/").json()
    assert session["close_value"] == f"{body['latest_price']['close_price']}.0000"


def test_statements_are_served_newest_first():
    rows = ask("/v1/stocks/005930/financials", period_type="annual").json()["financials"]
    assert [row["fiscal_year"] for row in rows] == [2025, 2024, 2023]
    assert all(row["roe"] is not None and row["revenue"] > 10**14 for row in rows)


def test_where_two_files_meet_that_were_adjusted_at_different_dates_no_false_jump_is_left():
    rebases = CorporateAction.objects.filter(kind="rebase", ratio__gte=4).select_related("stock")
    assert rebases
    for action in rebases:
        jumps = {}
        for adjust in ("none", "split"):
            rows = ask(
                f"/v1/stocks/{action.stock.code}/prices",
                adjust=adjust,
                **{"from": "2025-05-20", "to": "2025-07-10"},
            ).json()["prices"]
            closes = [row["close"] for row in rows]
            jumps[adjust] = max(max(a / b, b / a) for a, b in pairwise(closes))
        # Shares move by 30 % a day at most on the KRX.
        assert jumps["none"] > 2.5 > 1.45 > jumps["split"], (action.stock.code, jumps)
