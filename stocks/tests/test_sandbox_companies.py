from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.actions import actions
from stocks.providers.sandbox.chance import SEED
from stocks.providers.sandbox.statements import statements
from stocks.providers.sandbox.universe import Instrument, instruments
from stocks.types import Action, ActionKind, StatementData

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


def _quarters(filings: list[StatementData]) -> list[StatementData]:
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
            for item in ("revenue", "gross_profit", "operating_profit", "net_profit", "operating_cash_flow"):
                assert getattr(year, item) == sum(getattr(part, item) for part in parts)
        for filing in filings:
            assert filing.total_assets == filing.total_liabilities + filing.total_equity
            assert filing.total_equity > 0
    assert years > 2_700


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
