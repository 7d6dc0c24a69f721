from __future__ import annotations

from datetime import date, timedelta

import pytest

from stocks.compute import compute_indicators
from stocks.models import DailyBar, LatestIndicators
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import (
    all_rows,
    three_stocks,
    value,
)

pytestmark = pytest.mark.django_db

LAST = date(2026, 7, 24)


def test_scores_rank_within_the_market():
    low, middle, high = three_stocks()
    outsider = make_stock("900001", market_id="KOSDAQ")
    add_bars(outsider, [1000 + 100 * j for j in range(260)])
    compute_indicators()
    assert [value(stock, "momentum_score") for stock in (low, middle, high)] == [0.0, 50.0, 100.0]
    assert value(outsider, "momentum_score") is None
    assert value(high, "quality_score") is None


def test_computing_one_stock_leaves_the_scores_that_computing_all_leaves():
    low, _, _ = three_stocks()
    compute_indicators()
    last = DailyBar.objects.get(stock=low, date=LAST)
    DailyBar.objects.filter(stock=low, date=LAST).update(close=last.close + 5000, high=last.close + 6000)
    summary = compute_indicators(codes=[low.code])
    by_one = all_rows()
    assert (summary.computed, summary.updated) == (1, 1) and summary.rescored > 1
    LatestIndicators.objects.all().delete()
    compute_indicators()
    assert all_rows() == by_one


def test_a_stock_that_stopped_trading_is_not_ranked():
    stocks = three_stocks()
    gone = make_stock("000009")
    add_bars(
        gone,
        [1000 + 50 * j for j in range(260)],
        days=weekdays(260, last=LAST - timedelta(days=31)),
    )
    compute_indicators()
    assert value(gone, "momentum_score") is None and value(gone, "mom_12_1") is not None
    assert [value(stock, "momentum_score") for stock in stocks] == [0.0, 50.0, 100.0]


def test_an_index_is_not_ranked_among_stocks():
    stocks = three_stocks()
    index = make_stock("KS11", kind="index")
    add_bars(index, [1000 + 50 * j for j in range(260)])
    compute_indicators()
    assert value(index, "momentum_score") is None and value(index, "rsi_14") == 100.0
    assert value(stocks[2], "momentum_score") == 100.0
