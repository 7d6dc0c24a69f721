"""One more session gives, bit for bit, what computing all anew gives: the latest figures and the last six."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from stocks.compute import compute_indicators
from stocks.indicators.catalog import RECENT_FIELDS
from stocks.models import DailyBar, LatestIndicators, RecentIndicators, Stock
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import act, all_rows
from stocks.tests.indicator_cases import walk

pytestmark = pytest.mark.django_db

DAYS = weekdays(300)


def recent_rows() -> list[dict[str, Any]]:
    rows = RecentIndicators.objects.order_by("stock_id", "date")
    return list(rows.values("stock_id", "date", "number", *RECENT_FIELDS))


def listed(count: int = 3, *, length: int = 290) -> list[Stock]:
    stocks = [make_stock(f"00000{number}") for number in range(1, count + 1)]
    for stock in stocks:
        add_bars(stock, walk(length, seed=stock.id), days=DAYS[:length], suspended=[40, 41, 200])
    return stocks


def compare_with_anew() -> None:
    step_by_step = all_rows(), recent_rows()
    compute_indicators(anew=True)
    assert all_rows() == step_by_step[0]
    assert recent_rows() == step_by_step[1]
    LatestIndicators.objects.all().delete()
    RecentIndicators.objects.all().delete()
    compute_indicators(anew=True)
    assert (all_rows(), recent_rows()) == step_by_step


def test_the_last_six_sessions_are_kept_and_the_newest_is_the_latest_row():
    (stock, *_) = listed()
    young = make_stock("000009")
    add_bars(young, [100, 101], days=DAYS[288:290])
    compute_indicators()
    kept = RecentIndicators.objects.filter(stock=stock).order_by("date")
    assert list(kept.values_list("date", "number")) == list(zip(DAYS[284:290], range(285, 291), strict=True))
    newest = kept.values(*RECENT_FIELDS).last()
    assert newest == LatestIndicators.objects.values(*RECENT_FIELDS).get(stock=stock)
    assert RecentIndicators.objects.filter(stock=young).count() == 2


def test_ten_sessions_one_after_the_other_are_ten_sessions_at_once():
    stocks = listed()
    compute_indicators()
    for number in range(290, 300):
        for stock in stocks:
            # One is not traded every day.
            if stock is not stocks[1] or number % 3:
                add_bars(stock, walk(300, seed=stock.id)[number : number + 1], days=[DAYS[number]])
        summary = compute_indicators()
        assert summary.unchanged <= 1
    compare_with_anew()


def later(stock: Stock) -> Any:
    return DailyBar.objects.filter(stock=stock, date__gte=DAYS[287])


CHANGES: dict[str, Callable[[Stock], object]] = {
    "an early bar is corrected": lambda stock: DailyBar.objects.filter(stock=stock, date=DAYS[2]).update(
        volume=7
    ),
    "a late bar is corrected": lambda stock: later(stock).filter(date=DAYS[288]).update(volume=7),
    "the last bars go": lambda stock: later(stock).delete(),
    "earlier bars come": lambda stock: add_bars(stock, [900, 905], days=[date(2020, 1, 2), date(2020, 1, 3)]),
    "a split comes to light": lambda stock: act(stock, "split", DAYS[100], ratio=2),
    "a split is of today": lambda stock: act(stock, "split", DAYS[289], ratio=2),
    "a dividend comes to light": lambda stock: act(stock, "dividend", DAYS[286], amount=30, currency="KRW"),
    "shares are issued": lambda stock: Stock.objects.filter(id=stock.id).update(shares_outstanding=10**9),
    "all bars go": lambda stock: DailyBar.objects.filter(stock=stock).delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_stays_as_it_was_when(change):
    stocks = listed()
    compute_indicators()
    before = recent_rows()
    change(stocks[0])
    compute_indicators()
    assert recent_rows() != before
    compare_with_anew()


def test_unchanged_bars_cost_no_row():
    listed()
    compute_indicators()
    before = list(RecentIndicators.objects.order_by("stock_id", "date").values())
    compute_indicators()
    assert list(RecentIndicators.objects.order_by("stock_id", "date").values()) == before


def test_a_day_in_the_past_is_told_from_the_present():
    listed()
    compute_indicators()
    now = all_rows(), recent_rows()
    compute_indicators(as_of=DAYS[250])
    assert {row["date"] for row in all_rows()} == {DAYS[250]}
    assert {row["date"] for row in recent_rows()} == set(DAYS[245:251])
    compute_indicators()
    assert (all_rows(), recent_rows()) == now


def test_computing_one_stock_keeps_the_sessions_of_the_others():
    stocks = listed()
    compute_indicators()
    add_bars(stocks[0], [5000], days=[DAYS[290]])
    compute_indicators(codes=[stocks[0].code])
    assert RecentIndicators.objects.count() == 18
    compare_with_anew()
