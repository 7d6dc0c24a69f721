"""An evening is computed from copies of bars that are confirmed later; of a bad one nothing stays."""

from __future__ import annotations

import pytest

from stocks.compute import compute_indicators
from stocks.models import DailyBar, PackedBars
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import all_rows
from stocks.tests.indicator_cases import walk
from stocks.tests.test_compute_packing import settle
from stocks.tests.test_compute_sessions import recent_rows

# Each write is a transaction of its own, as the copies tell by their numbers what has changed.
pytestmark = pytest.mark.django_db(transaction=True)

DAYS = weekdays(260)


@pytest.fixture
def listed():
    """Two stocks of one market and one of another, packed, and a session later."""
    stocks = [make_stock("000001"), make_stock("000002"), make_stock("000003", market_id="KOSDAQ")]
    for stock in stocks:
        add_bars(stock, walk(259, seed=stock.id), days=DAYS[:259])
    settle()
    compute_indicators()
    assert PackedBars.objects.count() == 3
    for stock in stocks:
        add_bars(stock, walk(260, seed=stock.id)[259:], days=DAYS[259:])
    return stocks


def compare_with_anew() -> None:
    evening = all_rows(), recent_rows()
    compute_indicators(anew=True)
    assert (all_rows(), recent_rows()) == evening


def test_it_works(listed):
    summary = compute_indicators()
    assert summary.updated == 3
    compare_with_anew()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_bar_that_was_corrected_counts(listed, number: int):
    compute_indicators()
    before = all_rows()
    DailyBar.objects.filter(stock=listed[number], date=DAYS[100]).update(close=1, low=1)
    compute_indicators()
    assert all_rows() != before
    compare_with_anew()


def test_a_copy_that_is_missing_is_made(listed):
    PackedBars.objects.filter(stock=listed[1]).delete()
    settle()
    compute_indicators()
    assert PackedBars.objects.count() == 3
    compare_with_anew()
