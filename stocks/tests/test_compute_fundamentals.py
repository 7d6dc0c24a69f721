from __future__ import annotations

from datetime import date, timedelta

import pytest

from stocks.compute import compute_indicators
from stocks.models import Statement
from stocks.tests.bar_cases import add_bars, make_stock
from stocks.tests.compute_cases import (
    act,
    file_statement,
    row,
    snapshot,
    us_stock,
    value,
)

pytestmark = pytest.mark.django_db

LAST = date(2026, 7, 24)


def test_market_capitalisation_in_the_past_counts_the_shares_of_that_day():
    stock = make_stock("000001", shares_outstanding=5_000_000)
    days = add_bars(stock, [1000, 1000, 200, 200])
    act(stock, "split", days[2], ratio=5)
    for day in days:
        compute_indicators(as_of=day)
        assert value(stock, "market_cap") == 1_000_000_000.0
    assert value(stock, "change_1d") == 0.0


def test_multiples_follow_from_the_last_close_and_the_statement_filed():
    stock = make_stock("000001")
    add_bars(stock, [990, 1000])
    file_statement(
        stock,
        2025,
        date(2026, 3, 20),
        revenue=2_000_000_000,
        operating_profit=100_000_000,
        net_profit=50_000_000,
        total_equity=500_000_000,
        total_assets=800_000_000,
        total_liabilities=300_000_000,
    )
    compute_indicators()
    found = row(stock)
    assert (found.per_ttm, found.pbr, found.psr) == (20.0, 2.0, 0.5)
    assert (found.earnings_yield, found.book_yield, found.sales_yield) == (5.0, 50.0, 200.0)
    assert (found.roe, found.roa, found.operating_margin, found.net_margin) == (10.0, 6.25, 5.0, 2.5)
    assert found.liabilities_to_equity == pytest.approx(60.0)


def test_the_per_of_a_loss_is_null():
    stock = make_stock("000001")
    add_bars(stock, [990, 1000])
    file_statement(stock, 2025, date(2026, 3, 20), net_profit=-1, total_equity=10)
    compute_indicators()
    assert value(stock, "per_ttm") is None and value(stock, "roe") == pytest.approx(-10.0)


def test_a_statement_filed_after_the_last_bar_is_not_used():
    stock = make_stock("000001")
    add_bars(stock, [990, 1000])
    file_statement(stock, 2025, LAST + timedelta(days=1), net_profit=50_000_000, total_equity=500_000_000)
    compute_indicators()
    assert value(stock, "per_ttm") is None and value(stock, "roe") is None
    Statement.objects.update(filed_on=LAST)
    compute_indicators()
    assert value(stock, "per_ttm") == 20.0


def test_statements_of_another_currency_give_ratios_but_no_multiples():
    stock = make_stock("000001")
    add_bars(stock, [990, 1000])
    file_statement(stock, 2025, LAST, currency="USD", net_profit=50, total_equity=500)
    compute_indicators()
    assert value(stock, "per_ttm") is None and value(stock, "roe") == 10.0


def test_published_ratios_speak_for_a_stock_without_statements():
    stock = us_stock("AOS")
    snapshot(stock, date(2018, 2, 8))
    compute_indicators()
    found = row(stock)
    assert (found.per_ttm, found.pbr, found.market_cap) == (40.0, 8.0, 12_000_000.0)
    assert (found.roe, found.dividend_yield_ttm) == (20.0, 1.0)


def test_published_figures_are_brought_to_the_shares_of_the_last_bar():
    stock = us_stock("AOS")
    snapshot(stock, date(2018, 2, 5))
    act(stock, "split", date(2018, 2, 6), ratio=2)
    compute_indicators()
    found = row(stock)
    assert (found.per_ttm, found.pbr, found.market_cap) == (80.0, 16.0, 24_000_000.0)
    assert found.dividend_yield_ttm == 0.5


def test_ratios_published_long_before_or_after_the_last_bar_are_ignored():
    old, late = us_stock("OLD"), us_stock("LATE")
    snapshot(old, date(2016, 12, 1))
    snapshot(late, date(2026, 8, 1))
    compute_indicators()
    for stock in (old, late):
        assert value(stock, "per_ttm") is None and value(stock, "market_cap") is None


def test_ratios_published_after_the_day_asked_for_are_not_used():
    stock = us_stock("AOS")
    snapshot(stock, date(2018, 2, 8))
    compute_indicators(as_of=date(2018, 2, 7))
    assert value(stock, "per_ttm") is None


def test_dividends_of_the_last_year_are_added_up_on_the_basis_of_the_last_price():
    stock = make_stock("000001")
    days = add_bars(stock, [2000] * 100 + [1000] * 100)
    act(stock, "dividend", days[50], amount=40, currency="KRW")
    act(stock, "split", days[100], ratio=2)
    act(stock, "dividend", days[150], amount=30, currency="KRW")
    act(stock, "dividend", days[199] + timedelta(days=30), amount=500, currency="KRW")
    compute_indicators()
    assert value(stock, "dividend_yield_ttm") == pytest.approx((40 / 2 + 30) / 1000 * 100)


def test_no_dividend_on_file_is_null_and_zero_only_where_every_one_is_listed():
    real, sandbox = make_stock("000001"), make_stock("000002", source="sandbox")
    for stock in (real, sandbox):
        add_bars(stock, [100] * 270)
    compute_indicators()
    assert value(real, "dividend_yield_ttm") is None
    assert value(sandbox, "dividend_yield_ttm") == 0.0


def test_a_dividend_of_another_currency_is_not_added_up():
    stock = make_stock("000001")
    days = add_bars(stock, [100] * 30)
    act(stock, "dividend", days[5], amount=1, currency="KRW")
    act(stock, "dividend", days[9], amount=1, currency="USD")
    compute_indicators()
    assert value(stock, "dividend_yield_ttm") is None
