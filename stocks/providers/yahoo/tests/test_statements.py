"""Statements: never before they can have been public, and under the right quarter."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stocks.providers.errors import Malformed
from stocks.providers.yahoo.parse.statements import TYPES, statements
from stocks.types import STATEMENT_LINES

ALWAYS = (date.min, date.max)


def _point(ends: str, raw: Any, period: str, currency: str = "USD") -> dict[str, Any]:
    return {"asOfDate": ends, "periodType": period, "currencyCode": currency, "reportedValue": {"raw": raw}}


def _series(name: str, *points: Any, symbol: str = "AAPL") -> dict[str, Any]:
    return {"meta": {"symbol": [symbol], "type": [name]}, name: list(points)}


def _reply(*rows: Any) -> Any:
    return {"timeseries": {"result": list(rows), "error": None}}


def _revenue(year_end: str, *quarters: str) -> Any:
    return _reply(
        _series("annualTotalRevenue", _point(year_end, 400, "12M")),
        _series("quarterlyTotalRevenue", *(_point(ends, 100, "3M") for ends in quarters)),
    )


def test_it_works():
    (year,) = statements(_revenue("2024-12-31"), "AAPL", *ALWAYS)
    assert (year.period_type, year.fiscal_year, year.fiscal_quarter) == ("annual", 2024, None)
    assert (year.revenue, year.currency, year.net_profit) == (Decimal(400), "USD", None)


@pytest.mark.parametrize(
    ("year_end", "ends", "fiscal"),
    [
        ("2024-12-31", "2025-03-31", (2025, 1)),
        ("2024-12-31", "2025-09-30", (2025, 3)),
        ("2024-12-31", "2024-12-31", (2024, 4)),
        ("2024-09-30", "2024-12-31", (2025, 1)),
        ("2024-09-30", "2025-06-30", (2025, 3)),
        ("2024-09-30", "2024-09-30", (2024, 4)),
        ("2025-03-31", "2025-06-30", (2026, 1)),
        ("2025-03-31", "2025-12-31", (2026, 3)),
        ("2025-03-31", "2025-03-31", (2025, 4)),
        ("2025-01-31", "2025-04-30", (2026, 1)),
        # Years of 52 or 53 weeks that end beyond their month, or short of it.
        ("2024-02-03", "2024-05-04", (2025, 1)),
        ("2022-09-24", "2022-12-31", (2023, 1)),
        ("2023-01-01", "2023-04-02", (2023, 1)),
    ],
)
def test_a_quarter_belongs_to_the_year_that_it_ends_up_in(year_end, ends, fiscal):
    found = statements(_revenue(year_end, ends), "AAPL", *ALWAYS)
    (quarter,) = [one for one in found if one.period_type == "quarterly"]
    assert (quarter.fiscal_year, quarter.fiscal_quarter) == fiscal


def test_nothing_counts_as_filed_before_the_last_day_to_file_it():
    found = statements(_revenue("2024-12-31", "2024-09-30", "2024-12-31"), "AAPL", *ALWAYS)
    filed = {(one.period_type, one.fiscal_quarter): one.filed_on for one in found}
    assert filed == {
        ("quarterly", 3): date(2024, 11, 19),
        ("quarterly", 4): date(2025, 4, 15),
        ("annual", None): date(2025, 4, 15),
    }


def test_what_is_not_filed_yet_is_held_back():
    reply = _revenue("2024-12-31", "2024-09-30")
    assert [one.fiscal_quarter for one in statements(reply, "AAPL", date.min, date(2025, 4, 14))] == [3]
    assert len(statements(reply, "AAPL", date.min, date(2025, 4, 15))) == 2


def test_quarters_without_a_year_are_left_out():
    reply = _reply(_series("quarterlyTotalRevenue", _point("2025-03-31", 100, "3M")))
    assert statements(reply, "AAPL", *ALWAYS) == []


def test_a_statement_keeps_its_own_currency():
    reply = _reply(_series("annualTotalRevenue", _point("2024-12-31", 400, "12M", "TWD"), symbol="TSM"))
    (year,) = statements(reply, "TSM", *ALWAYS)
    assert year.currency == "TWD"


def test_a_period_in_two_currencies_is_left_out():
    reply = _reply(
        _series(
            "annualTotalRevenue", _point("2024-12-31", 400, "12M", "USD"), _point("2023-12-31", 300, "12M")
        ),
        _series("annualNetIncome", _point("2024-12-31", 40, "12M", "EUR"), _point("2023-12-31", 30, "12M")),
    )
    (year,) = statements(reply, "AAPL", *ALWAYS)
    assert year.fiscal_year == 2023


def test_a_loss_is_below_zero_and_amounts_are_whole_without_exponents():
    reply = _reply(
        _series("annualNetIncome", _point("2024-12-31", Decimal("-1.5E+9"), "12M")),
        _series("annualDilutedEPS", _point("2024-12-31", Decimal("-1.2300000190734863"), "12M")),
        _series("annualOrdinarySharesNumber", _point("2024-12-31", Decimal("1.2E+9"), "12M")),
    )
    (year,) = statements(reply, "AAPL", *ALWAYS)
    assert str(year.net_profit) == "-1500000000"
    assert str(year.eps) == "-1.23"
    assert year.shares_outstanding == 1_200_000_000


def test_a_point_of_another_length_or_without_a_value_is_passed_over():
    reply = _reply(
        _series(
            "annualTotalRevenue",
            _point("2024-12-31", 400, "12M"),
            _point("2023-12-31", 100, "3M"),
            _point("2022-12-31", None, "12M"),
            None,
        )
    )
    assert [one.fiscal_year for one in statements(reply, "AAPL", *ALWAYS)] == [2024]


@pytest.mark.parametrize(
    "row",
    [
        _series("annualTotalRevenue", _point("2024-12-31", 400, "12M"), symbol="MSFT"),
        _series("annualTotalRevenue", _point("last year", 400, "12M")),
        {"annualTotalRevenue": []},
        [],
    ],
)
def test_statements_of_something_else_are_refused(row):
    with pytest.raises(Malformed):
        statements(_reply(row), "AAPL", *ALWAYS)


def test_one_call_asks_for_everything():
    assert len(TYPES) == len(set(TYPES)) == 80


def _year(**raw: Any) -> Any:
    rows = [_series(f"annual{name}", _point("2024-12-31", value, "12M")) for name, value in raw.items()]
    (year,) = statements(_reply(*rows), "AAPL", *ALWAYS)
    return year


def test_what_was_paid_is_above_zero():
    year = _year(
        CapitalExpenditure=-9, CashDividendsPaid=-15, RepurchaseOfCapitalStock=-94, InvestingCashFlow=-3
    )
    assert (year.capital_expenditure, year.dividends_paid, year.share_repurchases) == (9, 15, 94)
    assert year.investing_cash_flow == -3


def test_lines_that_yahoo_leaves_out_follow_from_its_sums():
    year = _year(
        CashAndCashEquivalents=30,
        CashCashEquivalentsAndShortTermInvestments=65,
        StockholdersEquity=57,
        CommonStockEquity=57,
    )
    assert (year.cash, year.short_term_investments, year.preferred_equity) == (30, 35, 0)


def test_a_sum_that_is_less_than_its_part_says_nothing():
    year = _year(CashAndCashEquivalents=30, CashCashEquivalentsAndShortTermInvestments=29)
    assert year.short_term_investments is None


def test_a_sum_alone_is_no_line():
    reply = _reply(_series("annualCommonStockEquity", _point("2024-12-31", 5, "12M")))
    (year,) = statements(reply, "AAPL", *ALWAYS)
    assert [getattr(year, line) for line in STATEMENT_LINES] == [None] * len(STATEMENT_LINES)


def test_shares_count_those_of_the_day_of_asking():
    (year,) = statements(_revenue("2024-12-31"), "AAPL", *ALWAYS, asked_on=date(2025, 11, 12))
    assert year.basis_on == date(2025, 11, 12)
