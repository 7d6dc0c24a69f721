from __future__ import annotations

import math
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection

from stocks.compute import compute_indicators
from stocks.compute.own import OWN_FIELDS
from stocks.compute.writing import write_figures
from stocks.errors import MarketNotFound, StockNotFound
from stocks.indicators.catalog import FIELDS, INDICATORS
from stocks.models import DailyBar, Dataset, LatestIndicators, Statement, Stock
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import (
    act,
    all_rows,
    file_statement,
    row,
    three_stocks,
    value,
)
from stocks.tests.indicator_cases import walk

pytestmark = pytest.mark.django_db

LAST = date(2026, 7, 24)


def version() -> int:
    return Dataset.objects.get(id=1).version


def test_it_works():
    stock = make_stock("000001")
    add_bars(stock, [Decimal(1000 + i) for i in range(253)])
    summary = compute_indicators()
    found = row(stock)
    assert found.date == LAST
    assert (found.close_price, found.market_cap) == (1252.0, 1_252_000_000.0)
    assert (found.change_1y, found.rsi_14) == (pytest.approx(25.2), 100.0)
    assert (found.high_52w, found.low_52w, found.volume) == (1262.0, 991.0, 1000.0)
    assert (summary.stocks, summary.computed, summary.inserted, summary.skipped) == (1, 1, 1, 0)


def test_what_is_unknown_is_null_and_never_nan():
    stock = make_stock("000001", shares_outstanding=None)
    add_bars(stock, [100, 101])
    compute_indicators()
    found = row(stock)
    assert found.change_1d == pytest.approx(1.0)
    known = {field for field in FIELDS if getattr(found, field) is not None}
    assert {"close_price", "change_1d", "volume", "turnover_value", "gap_pct", "ath"} <= known
    assert {field for field in known & INDICATORS.keys() if INDICATORS[field].min_bars > 2} == set()
    with connection.cursor() as cursor:
        tests = " OR ".join(f"{field} = 'NaN' OR abs({field}) = 'Infinity'" for field in FIELDS)
        cursor.execute(f"SELECT count(*) FROM stocks_latestindicators WHERE {tests}")
        assert cursor.fetchone() == (0,)


def test_infinity_and_minus_zero_are_never_written():
    stock = make_stock("000001")
    values = np.array([[math.inf, -math.inf, -0.0]])
    columns = ("per_ttm", "pbr", "change_1d")
    write_figures(np.array([stock.id], dtype=np.int32), np.array([LAST], "datetime64[D]"), values, columns)
    assert [value(stock, "per_ttm"), value(stock, "pbr"), str(value(stock, "change_1d"))] == [
        None,
        None,
        "0.0",
    ]


def test_a_second_run_changes_no_row():
    for code in ("000001", "000002", "000003"):
        add_bars(make_stock(code), walk(260, seed=int(code)))
    compute_indicators()
    before, was = list(LatestIndicators.objects.values()), version()
    summary = compute_indicators()
    assert list(LatestIndicators.objects.values()) == before
    assert (summary.inserted, summary.updated, summary.unchanged, summary.rescored) == (0, 0, 3, 0)
    assert version() == was


def test_a_change_raises_the_version_of_the_dataset():
    stock = make_stock("000001")
    add_bars(stock, [100, 101])
    was = version()
    compute_indicators()
    DailyBar.objects.filter(stock=stock, date=LAST).update(close=105)
    summary = compute_indicators()
    assert (summary.updated, version()) == (1, was + 2)


def test_a_stock_without_bars_is_skipped_and_loses_its_row():
    stock, bare = make_stock("000001"), make_stock("000002")
    add_bars(stock, [100, 101])
    LatestIndicators.objects.create(
        stock=bare, date=LAST, computed_at="2026-07-24T00:00:00Z", close_price=1.0
    )
    summary = compute_indicators()
    assert (summary.computed, summary.skipped, summary.removed) == (1, 1, 1)
    assert [found.stock_id for found in LatestIndicators.objects.all()] == [stock.id]


def test_only_the_stocks_asked_for_are_computed():
    first, second, third = (make_stock(code) for code in ("000001", "000002", "000003"))
    Stock.objects.filter(id=third.id).update(market="KOSDAQ")
    for stock in (first, second, third):
        add_bars(stock, [100, 101])
    assert compute_indicators(codes=["000002"]).computed == 1
    assert set(LatestIndicators.objects.values_list("stock_id", flat=True)) == {second.id}
    assert compute_indicators(market="KOSDAQ").stocks == 1
    assert set(LatestIndicators.objects.values_list("stock_id", flat=True)) == {second.id, third.id}


def test_an_unknown_code_or_market_is_named_and_nothing_is_written():
    add_bars(make_stock("000001"), [100, 101])
    with pytest.raises(StockNotFound, match="999999"):
        compute_indicators(codes=["000001", "999999"])
    with pytest.raises(StockNotFound, match="000001"):
        compute_indicators(codes=["000001"], market="KOSDAQ")
    with pytest.raises(MarketNotFound, match="NOWHERE"):
        compute_indicators(market="NOWHERE")
    assert not LatestIndicators.objects.exists()


def test_one_day_more_gives_what_computing_all_anew_gives():
    stock = make_stock("000001")
    closes, days = walk(300), weekdays(300)
    add_bars(stock, closes[:299], days=days[:299], suspended=[40, 41, 200])
    compute_indicators()
    add_bars(stock, closes[299:], days=days[299:])
    compute_indicators(codes=["000001"])
    step_by_step = all_rows()
    LatestIndicators.objects.all().delete()
    compute_indicators()
    assert all_rows() == step_by_step


def test_a_day_in_the_past_gives_what_was_known_on_that_day():
    stock = make_stock("000001")
    days = add_bars(stock, walk(300))
    file_statement(stock, 2025, days[280], net_profit=100_000_000, total_equity=10**9)
    compute_indicators(as_of=days[270])
    past = all_rows()
    assert past[0]["date"] == days[270] and past[0]["roe"] is None
    DailyBar.objects.filter(stock=stock, date__gt=days[270]).delete()
    Statement.objects.all().delete()
    LatestIndicators.objects.all().delete()
    compute_indicators()
    assert all_rows() == past


def test_a_suspended_stock_keeps_its_price_and_has_no_range():
    stock = make_stock("000001")
    add_bars(stock, [5000] * 40, suspended=range(40))
    compute_indicators()
    found = row(stock)
    assert (found.close_price, found.volume, found.atr_14, found.macd) == (5000.0, 0.0, 0.0, 0.0)
    assert (found.rsi_14, found.bb_pct_b) == (None, None)


def test_a_split_bends_no_indicator():
    plain, divided = make_stock("000001"), make_stock("000002", market_id="KOSDAQ")
    closes = [close * 10 for close in walk(260)]
    days = add_bars(plain, closes)
    before = [close * 5 for close in closes[:200]]
    add_bars(divided, before + closes[200:], days=days)
    DailyBar.objects.filter(stock=divided, date__lt=days[200]).update(volume=200)
    for bar in DailyBar.objects.filter(stock=divided, date__lt=days[200]):
        DailyBar.objects.filter(stock=divided, date=bar.date).update(high=bar.close + 50, low=bar.close - 50)
    act(divided, "split", days[200], ratio=5)
    compute_indicators()
    for field in OWN_FIELDS:
        expected = value(plain, field)
        assert value(divided, field) == (None if expected is None else pytest.approx(expected)), field
    assert value(divided, "sma_200") is not None


def test_a_split_that_is_only_announced_changes_nothing_yet():
    stock = make_stock("000001")
    add_bars(stock, [1000, 1100])
    act(stock, "split", date(2999, 1, 4), ratio=10)
    compute_indicators()
    assert value(stock, "change_1d") == pytest.approx(10.0)
    assert value(stock, "market_cap") == 1_100_000_000.0


def test_more_stocks_than_one_read_takes_are_all_computed(monkeypatch: pytest.MonkeyPatch):
    for module in ("reading", "market"):
        monkeypatch.setattr(f"stocks.compute.{module}.CHUNK", 2)
    three_stocks(30)
    seen: list[tuple[int, int]] = []
    summary = compute_indicators(progress=lambda done, total: seen.append((done, total)))
    assert summary.computed == LatestIndicators.objects.count() == 3
    assert seen == [(2, 3), (3, 3)]


def test_the_work_costs_the_same_queries_for_one_stock_and_for_three(django_assert_max_num_queries: Any):
    three_stocks(30)
    with django_assert_max_num_queries(35) as one:
        compute_indicators(codes=["000001"])
    with django_assert_max_num_queries(len(one)):
        compute_indicators()


@pytest.mark.django_db(transaction=True)
def test_two_computations_at_once_leave_what_one_leaves():
    three_stocks(30)
    failures: list[BaseException] = []

    def compute() -> None:
        try:
            compute_indicators()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=compute) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    together = all_rows()
    LatestIndicators.objects.all().delete()
    compute_indicators()
    assert all_rows() == together and len(together) == 3
