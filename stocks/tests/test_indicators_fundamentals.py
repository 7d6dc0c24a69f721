import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from stocks.indicators.filings import Filing, Fundamentals, fundamentals_on
from stocks.indicators.growth import growth
from stocks.indicators.periods import MAX_AGE_DAYS
from stocks.indicators.profitability import profitability, stability
from stocks.indicators.valuation import dividend_yield, valuation


def annual(year: int, filed: date, **amounts: float) -> Filing:
    return Filing(year, None, filed, "KRW", **amounts)


def quarter(year: int, number: int, filed: date, **amounts: float) -> Filing:
    return Filing(year, number, filed, "KRW", **amounts)


def known(filings: list[Filing], on: date) -> Fundamentals:
    found = fundamentals_on(filings, on=on)
    assert found is not None
    return found


# 기신정기 (092440), as filed with DART for the years to March 2023, 2024 and 2025; the published ratios are
# roe 1.74, 0.69, 1.25; debt ratio 5.57, 5.69, 5.77; operating margin 4.44, 1.81, 0.78; yoy −4.56, −4.75.
KISHIN = [
    annual(
        2023,
        date(2023, 6, 8),
        revenue=144440857401,
        operating_profit=6417822420,
        net_profit=4378917213,
        equity=251146199319,
        assets=265146139041,
        liabilities=13999939722,
    ),
    annual(
        2024,
        date(2024, 6, 13),
        revenue=137860488679,
        operating_profit=2498092901,
        net_profit=1715138867,
        equity=249284656369,
        assets=263468768678,
        liabilities=14184112309,
    ),
    annual(
        2025,
        date(2025, 6, 12),
        revenue=131315525932,
        operating_profit=1018157936,
        net_profit=3113404250,
        equity=249969268041,
        assets=264383143974,
        liabilities=14413875933,
    ),
]


@pytest.mark.parametrize(
    ("on", "published"),
    [
        (date(2023, 6, 8), {"roe": 1.74, "liabilities_to_equity": 5.57, "operating_margin": 4.44}),
        (
            date(2024, 6, 13),
            {
                "roe": 0.69,
                "liabilities_to_equity": 5.69,
                "operating_margin": 1.81,
                "revenue_yoy": -4.56,
                "operating_profit_yoy": -61.08,
            },
        ),
        (
            date(2025, 12, 30),
            {
                "roe": 1.25,
                "liabilities_to_equity": 5.77,
                "operating_margin": 0.78,
                "revenue_yoy": -4.75,
                "operating_profit_yoy": -59.24,
            },
        ),
    ],
)
def test_filed_figures_give_the_published_ratios(on: date, published: Mapping[str, float]):
    f = known(KISHIN, on)
    computed = profitability(f) | stability(f) | growth(f)
    assert {id_: round(computed[id_], 2) for id_ in published} == published


def test_a_statement_counts_from_the_day_it_was_filed_not_before():
    assert fundamentals_on(KISHIN, on=date(2023, 6, 7)) is None
    assert known(KISHIN, date(2024, 6, 12)).net_profit == 4378917213
    assert known(KISHIN, date(2024, 6, 13)).net_profit == 1715138867


def test_what_is_too_old_says_nothing_about_a_price_of_today():
    filed = KISHIN[-1].filed_on
    assert fundamentals_on(KISHIN, on=filed + timedelta(days=MAX_AGE_DAYS)) is not None
    assert fundamentals_on(KISHIN, on=filed + timedelta(days=MAX_AGE_DAYS + 1)) is None


def test_a_restatement_replaces_the_first_filing_from_its_own_day_on():
    restated = replace(KISHIN[1], filed_on=date(2024, 9, 2), net_profit=1000.0)
    filings = [restated, *KISHIN]
    assert known(filings, date(2024, 9, 1)).net_profit == 1715138867
    assert known(filings, date(2024, 9, 2)).net_profit == 1000.0


def quarters(amounts: list[float], *, first_year: int = 2023) -> list[Filing]:
    """Quarters in a row, each filed 45 days after its end."""
    filings = []
    for i, amount in enumerate(amounts):
        year, number = first_year + i // 4, i % 4 + 1
        end = date(year + number // 4, number % 4 * 3 + 1, 1)
        filings.append(
            quarter(
                year,
                number,
                end + timedelta(days=44),
                revenue=amount * 10,
                operating_profit=amount * 2,
                net_profit=amount,
                equity=1000.0 + i,
            )
        )
    return filings


def test_trailing_twelve_months_are_the_last_four_quarters_filed():
    filings = quarters([1, 2, 3, 4, 5, 6])
    f = known(filings, filings[-1].filed_on)
    assert (f.net_profit, f.revenue, f.equity) == (3 + 4 + 5 + 6, 180, 1005.0)
    f = known(filings, filings[-1].filed_on - timedelta(days=1))
    assert (f.net_profit, f.equity) == (2 + 3 + 4 + 5, 1004.0)


def test_a_quarter_grows_against_the_same_quarter_a_year_before():
    filings = quarters([10, 20, 30, 40, 15])
    assert growth(known(filings, filings[-1].filed_on))["net_profit_yoy"] == pytest.approx(50.0)


def test_three_quarters_are_no_year():
    filings = quarters([1, 2, 3])
    f = known(filings, filings[-1].filed_on)
    assert f.net_profit is None and f.equity == 1002.0


def test_a_gap_between_quarters_is_not_bridged():
    filings = quarters([1, 2, 3, 4, 5])
    del filings[2]
    assert known(filings, filings[-1].filed_on).net_profit is None


def test_the_fourth_quarter_is_the_year_less_the_other_three():
    filings = quarters([1, 2, 3, 4, 5])
    year = annual(2023, date(2024, 3, 20), revenue=110.0, operating_profit=22.0, net_profit=11.0, equity=1.0)
    filings[3] = year
    f = known(filings, filings[-1].filed_on)
    assert f.net_profit == 2 + 3 + (11 - 1 - 2 - 3) + 5


def test_a_year_that_ends_after_the_last_whole_run_of_quarters_comes_first():
    year = annual(2024, date(2025, 3, 20), net_profit=99.0, revenue=1.0)
    f = known([*quarters([1, 2, 3, 4]), year], date(2025, 4, 1))
    assert f.net_profit == 99.0


def test_an_unknown_quarter_makes_the_sum_unknown_not_smaller():
    filings = quarters([1, 2, 3, 4])
    filings[1] = replace(filings[1], revenue=None)
    f = known(filings, filings[-1].filed_on)
    assert f.revenue is None and f.net_profit == 10


def test_amounts_of_two_currencies_are_never_added():
    filings = quarters([1, 2, 3, 4])
    filings[0] = replace(filings[0], currency="USD")
    assert known(filings, filings[-1].filed_on).net_profit is None


def test_growth_from_a_loss_or_from_nothing_is_unknown():
    filings = [annual(2023, date(2024, 3, 1), net_profit=-5.0, revenue=0.0)]
    filings.append(annual(2024, date(2025, 3, 1), net_profit=10.0, revenue=7.0, operating_profit=1.0))
    assert all(math.isnan(value) for value in growth(known(filings, date(2025, 3, 1))).values())


def test_growth_over_a_missing_year_is_unknown():
    filings = [annual(2022, date(2023, 3, 1), revenue=5.0), annual(2024, date(2025, 3, 1), revenue=9.0)]
    assert math.isnan(growth(known(filings, date(2025, 3, 1)))["revenue_yoy"])


COMPANY = Fundamentals(currency="KRW", revenue=400.0, operating_profit=60.0, net_profit=50.0, equity=250.0)


def test_multiples_by_hand():
    # 20 shares at 50: a market capitalisation of 1000.
    figures = valuation(COMPANY, close=50.0, market_cap=1000.0, currency="KRW")
    assert figures == {
        "per_ttm": 20.0,
        "pbr": 4.0,
        "psr": 2.5,
        "earnings_yield": 5.0,
        "book_yield": 25.0,
        "sales_yield": 40.0,
    }


@pytest.mark.parametrize("profit", [0.0, -50.0])
def test_the_per_of_a_loss_is_unknown_and_its_yield_is_not(profit: float):
    figures = valuation(replace(COMPANY, net_profit=profit), close=50.0, market_cap=1000.0, currency="KRW")
    assert math.isnan(figures["per_ttm"]) and figures["earnings_yield"] == profit / 10


def test_no_ratio_is_taken_on_equity_that_is_gone():
    gone = replace(COMPANY, equity=-250.0, net_profit=-50.0, liabilities=100.0)
    assert math.isnan(profitability(gone)["roe"])  # −50 / −250 would read as +20 %
    assert math.isnan(stability(gone)["liabilities_to_equity"])
    figures = valuation(gone, close=50.0, market_cap=1000.0, currency="KRW")
    assert math.isnan(figures["pbr"]) and figures["book_yield"] == -25.0


def test_without_shares_or_in_another_currency_no_multiple_is_known():
    for market_cap, currency in ((math.nan, "KRW"), (1000.0, "USD")):
        figures = valuation(COMPANY, close=50.0, market_cap=market_cap, currency=currency)
        assert all(math.isnan(value) for value in figures.values())


def test_amounts_per_share_are_compared_with_the_price():
    per_share = Fundamentals(currency="USD", per_share=True, net_profit=2.5, equity=10.0)
    figures = valuation(per_share, close=50.0, market_cap=math.nan, currency="USD")
    assert (figures["per_ttm"], figures["pbr"]) == (20.0, 5.0)
    assert math.isnan(figures["psr"])
    assert profitability(per_share)["roe"] == 25.0


ON = date(2025, 6, 30)


def test_dividend_yield_counts_the_ex_dates_of_a_year():
    paid = [(date(2024, 6, 30), 7.0), (date(2024, 7, 1), 1.0), (ON, 2.0), (date(2025, 7, 1), 50.0)]
    assert dividend_yield(paid, close=100.0, on=ON) == pytest.approx(3.0)


def test_no_dividend_on_file_is_unknown_unless_every_one_would_be():
    assert math.isnan(dividend_yield([], close=100.0, on=ON))
    assert math.isnan(dividend_yield([(date(2020, 1, 1), 5.0)], close=100.0, on=ON))
    assert dividend_yield([], close=100.0, on=ON, lists_all=True) == 0.0
