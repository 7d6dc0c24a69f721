"""Fundamental figures as others have published them: papers, textbooks and Korean filings."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from stocks.indicators.ratios import ratios
from stocks.tests.facts_naive import Paper
from stocks.tests.ratio_cases import UNKNOWN, companies, figures, year


@pytest.mark.parametrize(
    ("earnings", "book", "published"), [(2.50, 17.92, 31.75), (4.00, 3.50, 17.748), (5.0, 20.0, 47.43)]
)
def test_the_graham_number_of_published_examples(earnings: float, book: float, published: float):
    found = figures([year(2024, net_profit=earnings, total_equity=book)], close=10.0, shares=1.0)
    assert found["graham_number"] == pytest.approx(published, abs=0.005)
    assert found["per_ttm"] * found["pbr"] == pytest.approx(22.5 * (10.0 / found["graham_number"]) ** 2)


def test_a_published_example_of_the_cash_conversion_cycle():
    # From a financial dictionary; it rounds the days to tenths before it adds them up.
    found = figures(
        [
            year(
                2023, revenue=10_000, cost_of_revenue=3_200, inventory=2_500, receivables=640, payables=1_300
            ),
            year(
                2024, revenue=12_000, cost_of_revenue=4_000, inventory=1_600, receivables=680, payables=1_100
            ),
        ]
    )
    assert found["dio"] == pytest.approx(187.1, abs=0.05)
    assert found["dso"] == pytest.approx(20.1, abs=0.05)
    assert found["dpo"] == pytest.approx(109.5, abs=0.05)
    assert found["cash_conversion_cycle"] == pytest.approx(97.7, abs=0.15)


def altman(assets: float, market: float, **amounts: float) -> Mapping[str, float]:
    return figures([year(2024, total_assets=assets, **amounts)], close=market, shares=1.0)


def test_a_published_example_of_altmans_z():
    # From an economic calculator: every amount in thousands of dollars.
    found = altman(
        3_500,
        7_000,
        current_assets=4_200,
        current_liabilities=0,
        retained_earnings=800,
        ebit=6_500,
        revenue=8_300,
        total_liabilities=5_000,
    )
    assert found["altman_z"] == pytest.approx(11.097, abs=0.001)


def test_altmans_groups_fall_on_their_sides_of_his_limits():
    """The mean ratios of table 1 of the paper, in percent, for 33 bankrupt and 33 other manufacturers."""
    bankrupt = altman(
        100,
        40.1,
        current_assets=0,
        current_liabilities=6.1,
        retained_earnings=-62.6,
        ebit=-31.8,
        revenue=150,
        total_liabilities=100,
    )
    sound = altman(
        100,
        247.7,
        current_assets=41.4,
        current_liabilities=0,
        retained_earnings=35.5,
        ebit=15.4,
        revenue=190,
        total_liabilities=100,
    )
    # 0.012, 0.014, 0.033 and 0.006 times percentages, 0.999 times a ratio, as the paper writes them.
    assert bankrupt["altman_z"] == pytest.approx(
        0.012 * -6.1 + 0.014 * -62.6 + 0.033 * -31.8 + 0.006 * 40.1 + 0.999 * 1.5
    )
    assert bankrupt["altman_z"] < 1.81 and sound["altman_z"] > 2.99
    assert sound["altman_z"] == pytest.approx(
        0.012 * 41.4 + 0.014 * 35.5 + 0.033 * 15.4 + 0.006 * 247.7 + 0.999 * 1.9
    )


def beneish(
    dsri: float, gmi: float, aqi: float, sgi: float, depi: float, sgai: float, lvgi: float, tata: float
) -> float:
    """M of a company whose statements are made to have these indices."""
    revenue, assets = 1_000.0 * sgi, 1_000.0
    gross, wear = 0.4 / gmi, 0.1 / depi  # of revenue; of depreciation + property
    before = year(
        2023,
        revenue=1_000,
        receivables=100,
        gross_profit=400,
        total_assets=1_000,
        current_assets=440,
        ppe=360,
        depreciation_amortization=40,
        sga_expense=100,
        long_term_debt=100,
        current_liabilities=200,
    )
    now = year(
        2024,
        revenue=revenue,
        receivables=0.1 * dsri * revenue,
        gross_profit=gross * revenue,
        total_assets=assets,
        current_assets=assets - 0.2 * aqi * assets - 360,
        ppe=360,
        depreciation_amortization=360 * wear / (1 - wear),
        sga_expense=0.1 * sgai * revenue,
        long_term_debt=0.3 * lvgi * assets - 200,
        current_liabilities=200,
        net_profit=100,
        operating_cash_flow=100 - tata * assets,
    )
    return figures([before, now])["beneish_m"]


def test_beneishs_score_of_a_company_that_does_not_change_is_minus_2_48():
    assert beneish(1, 1, 1, 1, 1, 1, 1, 0) == pytest.approx(-2.48)


@pytest.mark.parametrize(
    ("indices", "by_hand", "flagged"),
    [
        # Means of table 2 of the paper: manipulators, and the others.
        ((1.465, 1.193, 1.254, 1.607, 1.077, 1.041, 1.111, 0.031), -1.195681, True),
        ((1.031, 1.014, 1.039, 1.134, 1.001, 1.054, 1.037, 0.018), -2.245854, False),
    ],
)
def test_beneishs_groups_fall_on_their_sides_of_his_limit(
    indices: tuple[float, ...], by_hand: float, flagged: bool
):
    score = beneish(*indices)
    assert score == pytest.approx(by_hand, abs=1e-6)
    assert (score > -1.78) is flagged


#: Three years of a company that passes all nine tests of Piotroski.
GOOD = (
    year(2022, total_assets=1_000.0),
    year(
        2023,
        revenue=1_000.0,
        gross_profit=300.0,
        net_profit=50.0,
        total_assets=1_000.0,
        long_term_debt=300.0,
        current_assets=200.0,
        current_liabilities=100.0,
        shares_outstanding=100.0,
    ),
    year(
        2024,
        revenue=1_100.0,
        gross_profit=352.0,
        net_profit=60.0,
        operating_cash_flow=90.0,
        total_assets=1_050.0,
        long_term_debt=280.0,
        current_assets=230.0,
        current_liabilities=100.0,
        shares_outstanding=100.0,
    ),
)


def with_(papers: tuple[Paper, ...], which: int, **amounts: float) -> tuple[Paper, ...]:
    changed = papers[which]
    return (
        *papers[:which],
        Paper(changed.year, 0, changed.filed_on, changed.currency, {**changed.amounts, **amounts}),
        *papers[which + 1 :],
    )[:3]


def test_piotroskis_score_reaches_nine():
    assert figures(GOOD)["piotroski_f"] == 9.0


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"net_profit": 49.0}, 1),  # returns fell
        ({"net_profit": -10.0}, 2),  # and are negative
        ({"operating_cash_flow": 59.0}, 1),  # profit is not made of cash
        ({"operating_cash_flow": -1.0}, 2),  # nor is there any
        ({"long_term_debt": 400.0}, 1),
        ({"current_assets": 190.0}, 1),
        ({"shares_outstanding": 101.0}, 1),
        ({"gross_profit": 300.0}, 1),
        ({"revenue": 990.0, "gross_profit": 310.0}, 1),
    ],
)
def test_piotroskis_score_loses_a_point_for_each_bad_sign(change: Mapping[str, float], lost: int):
    assert figures(with_(GOOD, 2, **change))["piotroski_f"] == 9.0 - lost


def test_where_shares_are_not_filed_money_for_new_ones_tells_of_an_issue():
    for raised, score in ((0.0, 9.0), (5.0, 8.0), (UNKNOWN, UNKNOWN)):
        papers = with_(GOOD, 2, shares_outstanding=UNKNOWN, share_issuance=raised)
        assert figures(papers)["piotroski_f"] == pytest.approx(score, nan_ok=True)


#: A company whose terms of Ohlson's score are all 0 but for size: no debt would divide by 0, so 1 is owed.
STILL = {
    "total_assets": 1_000.0,
    "total_liabilities": 1.0,
    "current_assets": 100.0,
    "current_liabilities": 100.0,
    "depreciation_amortization": 0.0,
}


def ohlson(profit: float, before: float, *, dollars: float = 1.0, **amounts: float) -> float:
    papers = [year(2023, net_profit=before), year(2024, net_profit=profit, **{**STILL, **amounts})]
    return figures(papers, dollars=dollars)["ohlson_o"]


def test_ohlsons_weights_are_those_of_the_paper():
    base = ohlson(10.0, 10.0)
    assert ohlson(10.0, 10.0, dollars=math.e) - base == pytest.approx(-0.407)
    assert ohlson(10.0, 10.0, current_assets=200.0) - base == pytest.approx(-1.43 * 0.1 - 0.0757 * 0.5)
    assert ohlson(10.0, 10.0, depreciation_amortization=1.0) - base == pytest.approx(-1.83)
    assert ohlson(10.0, 30.0) - base == pytest.approx(-0.521 * (10 - 30) / 40)
    # Two years of loss cost 0.285; a first one only its size.
    assert ohlson(-10.0, -10.0) - base == pytest.approx(0.285 + 2.37 * 0.02 + 1.83 * 20)
    assert ohlson(-10.0, 10.0) - base == pytest.approx(0.521 + 2.37 * 0.02 + 1.83 * 20)
    # More owed than owned: 6.03 for the debts, −1.72 as their correction, and funds over more liabilities.
    owing = ohlson(10.0, 10.0, total_liabilities=1_001.0) - base
    assert owing == pytest.approx(6.03 * 1.0 - 1.72 - 1.83 * (10 / 1_001 - 10))


#: What the Korean file calls the figures, half a unit of its last digit, and the least share that must agree
#: to that digit. Its changes are on the year before as the later filing restates it: for one in fourteen that
#: is not what was filed then.
KOREAN = {
    "roe": ("roe", 0.0051, 0.98),
    "liabilities_to_equity": ("debt_ratio", 0.0051, 0.98),
    "operating_margin": ("op_margin", 0.0051, 0.98),
    "revenue_yoy": ("revenue_yoy", 0.0051, 0.92),
    "operating_profit_yoy": ("op_income_yoy", 0.051, 0.92),
}
_LINES = {
    "revenue": "revenue",
    "operating_profit": "op_income",
    "net_profit": "net_income",
    "total_equity": "total_equity",
    "total_assets": "total_asset",
    "total_liabilities": "total_debt",
}


def test_filings_of_korean_companies_have_the_ratios_published_with_them(market_data_dir: Path):
    """Of more than 2,000 companies in one call; a handful of filings mix thousands and units of won."""
    papers: defaultdict[str, list[Paper]] = defaultdict(list)
    published: dict[tuple[str, date], Mapping[str, str]] = {}
    with (market_data_dir / "krx_fundamentals_2023_2025.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            code, day = row["stock_code"], row["rcept_dt"]
            filed_on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            amounts = {line: float(row[theirs]) for line, theirs in _LINES.items() if row[theirs]}
            papers[code].append(Paper(int(row["analysis_year"]), 0, filed_on, "KRW", amounts))
            published[code, filed_on] = row
    last = {
        code: max(filed, key=lambda paper: (paper.ends, paper.filed_on)) for code, filed in papers.items()
    }
    on = max(paper.filed_on for paper in last.values())
    codes = [code for code in papers if (on - last[code].filed_on).days <= 400]
    found = ratios(companies([papers[code] for code in codes], on=on))
    for id_, (theirs, digit, least) in KOREAN.items():
        wanted = np.array([float(published[code, last[code].filed_on][theirs] or "nan") for code in codes])
        both = ~np.isnan(wanted) & ~np.isnan(found[id_])
        agree = np.abs(found[id_] - wanted)[both] <= digit
        assert both.sum() > 1_400, id_
        assert agree.mean() > least, (id_, agree.mean())
