"""The figures of a day in the past, worked out without storing them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from stocks.compute import compute_indicators, figures_as_of
from stocks.errors import MarketNotFound
from stocks.indicators.catalog import FIELDS
from stocks.models import LatestIndicators, MarketLevel, PackedBars, RecentIndicators
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import act, file_statement
from stocks.tests.indicator_cases import walk

pytestmark = pytest.mark.django_db

DAYS = weekdays(320)


@pytest.fixture
def market() -> None:
    for number in range(1, 5):
        stock = make_stock(f"00000{number}", sector="Energy" if number < 3 else "")
        add_bars(stock, walk(320, seed=number), days=DAYS)
        file_statement(stock, 2024, DAYS[100], net_profit=number * 10**8, total_equity=10**9, revenue=10**9)
        file_statement(stock, 2025, DAYS[280], net_profit=number * 10**9, total_equity=10**10, revenue=10**9)
    act(stock, "split", DAYS[290], ratio=2)
    add_bars(make_stock("000009"), walk(20), days=DAYS[300:])


def test_they_are_those_that_computing_as_of_the_day_would_store(market):
    found = figures_as_of("KOSPI", DAYS[270])
    assert not LatestIndicators.objects.exists() and not RecentIndicators.objects.exists()
    assert not MarketLevel.objects.exists() and not PackedBars.objects.exists()
    compute_indicators(as_of=DAYS[270])
    rows = list(LatestIndicators.objects.order_by("stock_id").values_list("stock_id", "date", *FIELDS))
    assert found.stocks.tolist() == [row[0] for row in rows] and len(rows) == 4
    assert found.days.astype(object).tolist() == [row[1] for row in rows] == [DAYS[270]] * 4
    np.testing.assert_array_equal(found.values, np.array([row[2:] for row in rows], dtype=float))
    known = dict(zip(FIELDS, found.values.T, strict=True))
    assert np.isfinite(known["momentum_score"]).all() and np.isfinite(known["quality_score"]).sum() == 0
    assert known["roe"].tolist() == pytest.approx([10, 20, 30, 40])


def test_the_present_does_not_change_by_asking(market):
    compute_indicators()
    before = list(LatestIndicators.objects.values()), list(MarketLevel.objects.values())
    figures_as_of("KOSPI", DAYS[10])
    assert (list(LatestIndicators.objects.values()), list(MarketLevel.objects.values())) == before


def test_before_the_first_bar_there_is_nothing(market):
    found = figures_as_of("KOSPI", date(2000, 1, 1))
    assert len(found.stocks) == len(found.days) == 0 and found.values.shape == (0, len(FIELDS))


def test_an_unknown_market_is_named():
    with pytest.raises(MarketNotFound, match="NOWHERE"):
        figures_as_of("NOWHERE", DAYS[0])
