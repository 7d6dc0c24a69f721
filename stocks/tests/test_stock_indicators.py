"""GET /v1/stocks/{code}/indicators"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stocks.compute import compute_indicators
from stocks.indicators.catalog import FIELDS
from stocks.models import LatestIndicators, Stock
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import act
from stocks.tests.doors import ask, refused
from stocks.tests.indicator_cases import walk
from stocks.tests.shapes import assert_described

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

DAYS = weekdays(300)


@pytest.fixture
def stock() -> Stock:
    stock = make_stock("005930")
    add_bars(stock, walk(300), days=DAYS)
    return stock


def series(text: str, **range_: str) -> Any:
    dates = {"from": DAYS[0].isoformat(), "to": DAYS[-1].isoformat(), **range_}
    reply = ask("/v1/stocks/005930/indicators", series=text, **dates)
    assert reply.status_code == 200, reply.content
    return reply.json()


def test_it_works(stock):
    compute_indicators()
    found = series("rsi(14),sma(20)")
    assert (found["code"], found["currency"]) == ("005930", "KRW")
    assert found["dates"] == [day.isoformat() for day in DAYS]
    assert list(found["series"]) == ["rsi(14)", "sma(20)"]
    assert found["series"]["sma(20)"][:20] == [None] * 19 + [
        pytest.approx(float(sum(walk(300)[:20])) / 20, abs=1e-6)
    ]
    assert found["series"]["rsi(14)"][13] is None and found["series"]["rsi(14)"][14] is not None
    row = LatestIndicators.objects.values().get(stock=stock)
    assert found["series"]["rsi(14)"][-1] == pytest.approx(row["rsi_14"], abs=1e-8)
    assert found["series"]["sma(20)"][-1] == pytest.approx(row["sma_20"], abs=1e-8)


def test_a_part_of_the_days_has_the_same_values(stock):
    whole, part = series("ema(50)"), series("ema(50)", **{"from": "2026-07-01", "to": "2026-07-10"})
    assert part["dates"] == [f"2026-07-{day:02}" for day in (1, 2, 3, 6, 7, 8, 9, 10)]
    at = whole["dates"].index("2026-07-01")
    assert part["series"]["ema(50)"] == whole["series"]["ema(50)"][at : at + 8]


def test_outputs_have_names_of_their_own(stock):
    labels = list(series("bbands(20,2).upper,macd")["series"])
    assert labels[0] == "bbands(20,2).upper" and len(labels) == 4
    assert all(label.startswith("macd(12,26,9).") for label in labels[1:])


def test_without_a_range_it_is_the_last_year(stock):
    reply = ask("/v1/stocks/005930/indicators", series="sma(5)")
    assert reply.status_code == 200
    assert all(day >= "2025-07-01" for day in reply.json()["dates"])


def test_a_split_bends_no_series(stock):
    act(stock, "split", DAYS[250], ratio=2)
    found = series("ema(2)")["series"]["ema(2)"]
    assert found[240] == pytest.approx(float(walk(300)[240]) / 2, rel=0.05)


def test_without_series_it_is_the_latest_of_all(stock):
    compute_indicators()
    reply = ask("/v1/stocks/005930/indicators")
    body = reply.json()
    assert body["trade_date"] == DAYS[-1].isoformat() and set(body["indicators"]) == set(FIELDS)
    assert body["indicators"]["close_price"] == float(walk(300)[-1]) and body["indicators"]["roe"] is None
    assert len(reply.headers["Cache-Control"]) > 0


def test_replies_are_described(stock):
    compute_indicators()
    path = "/v1/stocks/005930/indicators"
    assert_described("stocks_indicators", ask(path))
    assert_described("stocks_indicators", ask(path, series="rsi(14),macd"))
    make_stock("000001")
    assert_described("stocks_indicators", ask("/v1/stocks/000001/indicators"))
    assert_described("stocks_indicators", ask("/v1/stocks/000001/indicators", series="rsi(14)"))


def test_a_stock_without_bars_has_no_dates():
    make_stock("000001")
    assert ask("/v1/stocks/000001/indicators", series="rsi(14)").json() == {
        "code": "000001",
        "currency": "KRW",
        "dates": [],
        "series": {"rsi(14)": []},
    }
    latest = ask("/v1/stocks/000001/indicators").json()
    assert (latest["trade_date"], latest["indicators"]) == (None, {})


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"series": "rsi(14),nothing(3)"}, "series", "column 9: Unknown series 'nothing'"),
        ({"series": "rsi(0)"}, "series", "column 5"),
        ({"series": "rsi(14"}, "series", "column"),
        ({"series": "x" * 1001}, "series", ""),
        ({"series": ""}, "series", "blank"),
        ({"series": "sma(5)", "from": "2026-02-01", "to": "2026-01-01"}, "from_date", "later"),
        ({"series": "sma(5)", "from": "2026-02-01", "from_date": "2026-01-01"}, "from", "contradicts"),
        ({"from": "2026-02-01"}, "series", "needed"),
        ({"series": "sma(5)", "user__password": "x"}, "user__password", "unknown field"),
        ({"series": "sma(5)", "from": "NaN"}, "from", ""),
    ],
)
def test_a_mistake_is_pointed_at(stock, query: dict[str, str], field: str, words: str):
    details = refused(ask("/v1/stocks/005930/indicators", **query), 400, "VALIDATION_ERROR")
    assert words in str(details[field]), details


def test_more_values_than_a_reply_may_have_are_refused(stock, monkeypatch):
    monkeypatch.setattr("stocks.serializers.series.MAX_VALUES", 100)
    refused(
        ask("/v1/stocks/005930/indicators", series="sma(5)", **{"from": "1990-01-01"}),
        400,
        "VALIDATION_ERROR",
    )


def test_an_unknown_stock_is_not_found():
    refused(ask("/v1/stocks/999999/indicators", series="rsi(14)"), 404, "STOCK_NOT_FOUND")


def test_one_series_costs_as_many_queries_as_twenty(stock, django_assert_max_num_queries: Any):
    with django_assert_max_num_queries(12) as one:
        series("rsi(14)")
    with django_assert_max_num_queries(len(one)):
        series(",".join(f"sma({period})" for period in range(2, 22)))
    assert date.fromisoformat(series("rsi(14)")["dates"][0]) == DAYS[0]
