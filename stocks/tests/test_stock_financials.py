"""GET /v1/stocks/{code}/financials"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from stocks.tests.doors import ask, refused
from stocks.tests.factories import StatementFactory, StockFactory
from stocks.types import STATEMENT_LINES

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock():
    return StockFactory.create(code="005930")


def financials(**parameters) -> list[dict]:
    response = ask("/v1/stocks/005930/financials", **parameters)
    assert response.status_code == 200, response.content
    return response.json()["financials"]


def quarter(stock, year, number, net_profit, *, filed_on=None, **values):
    return StatementFactory.create(
        stock=stock,
        fiscal_year=year,
        fiscal_quarter=number,
        filed_on=filed_on or date(year, number * 3, 28),
        net_profit=net_profit,
        **values,
    )


def year(stock, fiscal_year, **values):
    values.setdefault("filed_on", date(fiscal_year + 1, 3, 15))
    return StatementFactory.create(
        stock=stock, period_type="annual", fiscal_year=fiscal_year, fiscal_quarter=None, **values
    )


def test_it_works(stock):
    for number, net_profit in ((4, 10), (1, 20), (2, 30)):
        quarter(stock, 2023 if number == 4 else 2024, number, net_profit)
    quarter(
        stock,
        2024,
        3,
        Decimal(40),
        filed_on=date(2024, 10, 31),
        period_end=date(2024, 9, 30),
        revenue=Decimal(67400000000000),
        operating_profit=Decimal(12520000000000),
        rnd_expense=Decimal(8060000000000),
        inventory=Decimal(0),
        total_equity=Decimal(800),
        investing_cash_flow=Decimal(-25),
        eps=Decimal("6250.00"),
        shares_outstanding=5_969_782_550,
    )
    response = ask("/v1/stocks/005930/financials")
    assert response.status_code == 200
    body = response.json()
    assert (body["stock_code"], body["period_type"]) == ("005930", "quarterly")
    assert body["financials"][0] == {
        "fiscal_year": 2024,
        "fiscal_quarter": 3,
        "report_date": "2024-10-31",
        "period_end": "2024-09-30",
        "currency": "KRW",
        **dict.fromkeys(STATEMENT_LINES),
        "revenue": 67400000000000,
        "rnd_expense": 8060000000000,
        "operating_profit": 12520000000000,
        "net_profit": 40,
        "inventory": 0,
        "total_equity": 800,
        "investing_cash_flow": -25,
        "eps": 6250,
        "shares_outstanding": 5969782550,
        "roe": 12.5,  # (10 + 20 + 30 + 40) / 800
        "source": "test",
    }


def test_the_newest_period_comes_first(stock):
    for fiscal_year, number in ((2023, 4), (2024, 2), (2024, 1), (2023, 3)):
        quarter(stock, fiscal_year, number, 1)
    assert [(row["fiscal_year"], row["fiscal_quarter"]) for row in financials()] == [
        (2024, 2),
        (2024, 1),
        (2023, 4),
        (2023, 3),
    ]


def test_a_restatement_replaces_its_original(stock):
    quarter(stock, 2024, 1, 5, filed_on=date(2024, 8, 1))
    quarter(stock, 2024, 1, 4, filed_on=date(2024, 5, 1))
    (row,) = financials()
    assert (row["net_profit"], row["report_date"]) == (5, "2024-08-01")


def test_years_are_counted_back_from_the_newest_on_file(stock):
    for fiscal_year in range(2008, 2020):
        year(stock, fiscal_year)
    assert [row["fiscal_year"] for row in financials(period_type="annual", years=2)] == [2019, 2018]
    assert len(financials(period_type="annual")) == 5
    assert len(financials(period_type="annual", years=10)) == 10


def test_a_missing_year_is_not_made_up_for_by_an_older_one(stock):
    for fiscal_year in (2019, 2016, 2015):
        year(stock, fiscal_year)
    assert [row["fiscal_year"] for row in financials(period_type="annual", years=4)] == [2019, 2016]


def test_years_and_quarters_are_kept_apart(stock):
    year(stock, 2023)
    quarter(stock, 2024, 1, 1)
    assert [row["fiscal_quarter"] for row in financials()] == [1]
    assert [row["fiscal_quarter"] for row in financials(period_type="annual")] == [None]


def test_a_years_return_on_equity_is_its_own(stock):
    year(stock, 2023, net_profit=Decimal(4378917213), total_equity=Decimal(251146199319))
    assert financials(period_type="annual")[0]["roe"] == 1.7436


def test_a_loss_has_a_negative_return(stock):
    year(stock, 2023, net_profit=Decimal(-1), total_equity=Decimal(8))
    assert financials(period_type="annual")[0]["roe"] == -12.5


def test_the_oldest_quarters_shown_know_those_before_them(stock):
    for position in range(8):
        quarter(stock, 2022 + position // 4, position % 4 + 1, 25, total_equity=Decimal(1000))
    rows = financials(years=1)
    assert [(row["fiscal_year"], row["roe"]) for row in rows] == [(2023, 10)] * 4


def test_without_four_quarters_the_return_is_unknown(stock):
    for number in (1, 3, 4):
        quarter(stock, 2024, number, 25, total_equity=Decimal(1000))
    assert {row["roe"] for row in financials()} == {None}


def test_without_positive_equity_the_return_is_unknown(stock):
    for fiscal_year, equity in ((2021, 0), (2022, -5), (2023, None)):
        year(stock, fiscal_year, net_profit=Decimal(1), total_equity=equity)
    assert {row["roe"] for row in financials(period_type="annual")} == {None}


@pytest.mark.parametrize(
    ("reported", "roe"),
    [
        ({"roe": 1.74}, 1.74),
        ({"roe": "-20.5"}, -20.5),
        ({"roe": "n/a"}, None),
        ({"roe": "NaN"}, None),
        ({}, None),
    ],
)
def test_what_was_published_stands_in_where_it_cannot_be_worked_out(stock, reported, roe):
    year(stock, 2023, net_profit=None, total_equity=Decimal(5), reported=reported)
    assert financials(period_type="annual")[0]["roe"] == roe


def test_a_stock_without_statements_has_none(stock):
    assert financials() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("years", "0"),
        ("years", "11"),
        ("years", "five"),
        ("years", str(10**18)),
        ("period_type", "monthly"),
        ("period", "annual"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(stock, name, value):
    response = ask("/v1/stocks/005930/financials", **{name: value})
    assert name in refused(response, 400, "VALIDATION_ERROR")


def test_twenty_statements_cost_the_queries_of_one(stock, django_assert_num_queries):
    quarter(stock, 2024, 4, 1)
    with django_assert_num_queries(2):
        financials()
    for position in range(19):
        quarter(stock, 2020 + position // 4, position % 4 + 1, 1)
    with django_assert_num_queries(2):
        assert len(financials()) == 20
