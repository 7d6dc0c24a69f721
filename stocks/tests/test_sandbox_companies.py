from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.actions import actions
from stocks.providers.sandbox.chance import SEED
from stocks.providers.sandbox.statements import statements
from stocks.providers.sandbox.universe import Instrument, instruments
from stocks.types import CASH_FLOW_LINES, INCOME_LINES, STATEMENT_LINES, Action, ActionKind, StatementData

START, END = date(2022, 8, 1), date(2025, 11, 12)


@pytest.fixture(scope="module")
def universe() -> dict[str, Instrument]:
    return instruments(SEED)


@pytest.fixture(scope="module")
def filed(universe: dict[str, Instrument]) -> dict[str, list[StatementData]]:
    return {code: statements(SEED, one, START, END) for code, one in universe.items()}


@pytest.fixture(scope="module")
def acted(universe: dict[str, Instrument]) -> dict[str, list[Action]]:
    return {code: actions(SEED, one, START, END) for code, one in universe.items()}


def _quarters(filings: list[StatementData]) -> list[Any]:
    """The quarters; every line of theirs is told, which their type does not say."""
    return [filing for filing in filings if filing.fiscal_quarter is not None]


def test_every_company_has_filed_twelve_quarters_or_more(universe, filed):
    for code, instrument in universe.items():
        if not instrument.index:
            assert len(_quarters(filed[code])) >= 12


def test_an_index_files_nothing_and_pays_nothing(filed, acted):
    assert filed["^NSEI"] == []
    assert acted["^NSEI"] == []


def test_quarters_come_in_a_row_and_are_filed_after_they_end(filed):
    for filings in filed.values():
        quarters = _quarters(filings)
        numbers = [filing.fiscal_year * 4 + (filing.fiscal_quarter or 0) for filing in quarters]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        for filing in filings:
            assert filing.period_end is not None
            assert 30 <= (filing.filed_on - filing.period_end).days <= 95
            assert filing.filed_on <= END


def test_a_year_is_the_sum_of_its_quarters_and_the_balance_sheet_adds_up(filed):
    years = 0
    for filings in filed.values():
        for year in (filing for filing in filings if filing.fiscal_quarter is None):
            parts = [part for part in _quarters(filings) if part.fiscal_year == year.fiscal_year]
            if len(parts) < 4:
                continue
            years += 1
            for item in (*INCOME_LINES, *CASH_FLOW_LINES):
                assert getattr(year, item) == sum(getattr(part, item) for part in parts)
        for filing in filings:
            assert filing.total_assets == filing.total_liabilities + filing.total_equity
            assert filing.total_equity > 0
    assert years > 2_700


def test_every_line_of_every_statement_is_filed(filed):
    for filings in filed.values():
        for filing in filings:
            assert None not in [getattr(filing, line) for line in STATEMENT_LINES]


def test_an_income_statement_adds_up(filed):
    for filings in filed.values():
        for one in filings:
            assert one.revenue == one.cost_of_revenue + one.gross_profit
            assert one.gross_profit == one.operating_profit + one.sga_expense + one.rnd_expense
            assert one.ebit == one.pretax_profit + one.interest_expense
            assert one.pretax_profit == one.income_tax + one.net_profit
            costs = (one.revenue, one.cost_of_revenue, one.sga_expense, one.rnd_expense, one.income_tax)
            assert min(costs) >= 0
            assert min(one.interest_expense, one.depreciation_amortization) > 0


def test_what_is_held_and_owed_is_part_of_the_whole(filed):
    for filings in filed.values():
        for one in filings:
            liquid = one.cash + one.short_term_investments + one.receivables + one.inventory
            assert 0 < liquid < one.current_assets
            fixed = one.ppe + one.goodwill + one.intangible_assets
            assert one.current_assets + fixed < one.total_assets
            assert one.total_debt == one.short_term_debt + one.long_term_debt
            assert one.short_term_debt + one.payables < one.current_liabilities
            assert one.long_term_debt <= one.total_liabilities - one.current_liabilities
            assert max(one.retained_earnings, one.preferred_equity) < one.total_equity


def test_the_cash_flows_are_the_change_of_the_cash_and_property_grows_by_what_is_spent(filed):
    for filings in filed.values():
        for before, one in pairwise(_quarters(filings)):
            flows = one.operating_cash_flow + one.investing_cash_flow + one.financing_cash_flow
            assert flows == one.cash - before.cash
            assert 0 <= one.capital_expenditure - (one.ppe - before.ppe) <= one.depreciation_amortization


def test_a_company_pays_what_its_dividends_are_worth(filed, acted):
    ratios = []
    for code, filings in filed.items():
        last_year = [one for one in filings if one.fiscal_quarter is None and one.fiscal_year == 2024]
        dividends = [one for one in acted[code] if one.kind is ActionKind.DIVIDEND]
        per_share = sum(one.amount for one in dividends if one.ex_date.year == 2024)
        splits = any(one.kind is ActionKind.SPLIT for one in acted[code])
        if last_year and per_share and not splits:
            ratios.append(float(last_year[0].dividends_paid / (per_share * last_year[0].shares_outstanding)))
    assert len(ratios) > 500
    assert 0.95 < median(ratios) < 1.05


def test_a_later_day_adds_filings_and_changes_none(universe, filed):
    for code in ("005930", "AAPL", "800010", "NETSHZX.NS"):
        middle = date(2024, 6, 3)
        before = statements(SEED, universe[code], START, middle)
        after = statements(SEED, universe[code], date(2024, 6, 4), END)
        assert before + after == filed[code]


def test_actions_of_two_spans_are_those_of_both(universe, acted):
    for code, instrument in universe.items():
        if any(action.kind is ActionKind.SPLIT for action in acted[code]):
            middle = date(2024, 6, 3)
            before = actions(SEED, instrument, START, middle)
            assert before + actions(SEED, instrument, date(2024, 6, 4), END) == acted[code]


def test_there_are_about_twenty_splits_a_year(acted):
    splits = [one for found in acted.values() for one in found if one.kind is ActionKind.SPLIT]
    assert 40 <= len(splits) <= 100
    assert any(split.ratio < 1 for split in splits)
    assert any(split.ratio > 1 for split in splits)


def test_an_ex_date_is_a_session_and_comes_once(universe, acted):
    for code, found in acted.items():
        dates = [(action.kind, action.ex_date) for action in found]
        assert len(set(dates)) == len(dates), code
        calendar = universe[code].venue.calendar
        for action in found:
            assert sessions.session_from(calendar, action.ex_date) == action.ex_date


def test_dividends_are_amounts_that_can_be_paid(universe, acted):
    smallest = {"KRW": Decimal(1), "USD": Decimal("0.01"), "INR": Decimal("0.05")}
    paying = 0
    for code, found in acted.items():
        dividends = [action for action in found if action.kind is ActionKind.DIVIDEND]
        paying += bool(dividends)
        for dividend in dividends:
            assert dividend.currency == universe[code].venue.currency
            assert dividend.amount > 0
            assert dividend.amount % smallest[dividend.currency] == 0
    assert 900 < paying < 2_000


def test_a_split_multiplies_the_shares_of_later_statements(universe, filed, acted):
    seen = 0
    for code, found in acted.items():
        splits = [action for action in found if action.kind is ActionKind.SPLIT]
        if len(splits) != 1 or splits[0].ex_date < date(2023, 6, 1):
            continue
        before = [one for one in _quarters(filed[code]) if one.period_end < splits[0].ex_date]
        after = [one for one in _quarters(filed[code]) if one.period_end >= splits[0].ex_date]
        if before and after:
            seen += 1
            assert after[0].shares_outstanding == int(before[-1].shares_outstanding * splits[0].ratio)
    assert seen > 10
