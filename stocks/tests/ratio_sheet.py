"""A worked sheet: one made-up manufacturer over six years, and every figure of it by hand.

The amounts are chosen so that growth comes out even. The arithmetic is written out with the numbers of the
sheet, in exact fractions, or 40-digit decimals where a root or a logarithm is taken; nothing of the code
under test takes part in it.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

from stocks.tests.facts_naive import Paper
from stocks.tests.ratio_cases import quarter, year

F = Fraction

#: Six years, and the three quarters that the changes on a quarter and on a year need.
PAPERS: Final[tuple[Paper, ...]] = (
    year(2019, revenue=125, net_profit=15, eps=0.1484375, total_equity=65, shares_outstanding=80),
    year(2020, net_profit=30, total_equity=1000),
    year(
        2021,
        revenue=2048,
        operating_profit=250,
        net_profit=60,
        eps=0.59375,
        total_equity=1500,
        operating_cash_flow=512,
        capital_expenditure=296,
    ),
    year(
        2022,
        revenue=3200,
        net_profit=400,
        total_assets=5000,
        cash=400,
        short_term_investments=250,
        total_liabilities=2860,
        short_term_debt=370,
        long_term_debt=1130,
        total_equity=2060,
        minority_interest=80,
    ),
    year(
        2023,
        revenue=3600,
        cost_of_revenue=2250,
        gross_profit=1350,
        sga_expense=660,
        rnd_expense=180,
        depreciation_amortization=280,
        operating_profit=510,
        ebit=540,
        interest_expense=50,
        pretax_profit=490,
        income_tax=98,
        net_profit=380,
        eps=3.8,
        total_assets=5400,
        current_assets=2300,
        cash=420,
        short_term_investments=280,
        receivables=700,
        inventory=650,
        ppe=2000,
        goodwill=400,
        intangible_assets=220,
        total_liabilities=3030,
        current_liabilities=1250,
        payables=410,
        short_term_debt=380,
        long_term_debt=1150,
        total_equity=2280,
        minority_interest=90,
        retained_earnings=1150,
        preferred_equity=100,
        operating_cash_flow=600,
        capital_expenditure=350,
        shares_outstanding=104,
    ),
    quarter(
        2023,
        4,
        revenue=1000,
        operating_profit=152,
        net_profit=104,
        eps=1.024,
        operating_cash_flow=168,
        capital_expenditure=88,
    ),
    quarter(2024, 3, revenue=1000, net_profit=125, eps=1.25),
    quarter(
        2024,
        4,
        revenue=1100,
        operating_profit=190,
        net_profit=130,
        eps=1.28,
        operating_cash_flow=210,
        capital_expenditure=110,
    ),
    year(
        2024,
        revenue=4000,
        cost_of_revenue=2400,
        gross_profit=1600,
        sga_expense=700,
        rnd_expense=200,
        depreciation_amortization=300,
        operating_profit=686,
        ebit=720,
        interest_expense=60,
        pretax_profit=660,
        income_tax=165,
        net_profit=480,
        eps=4.75,
        total_assets=6000,
        current_assets=2600,
        cash=500,
        short_term_investments=300,
        receivables=800,
        inventory=700,
        ppe=2200,
        goodwill=400,
        intangible_assets=200,
        total_liabilities=3300,
        current_liabilities=1300,
        payables=450,
        short_term_debt=400,
        long_term_debt=1200,
        total_equity=2600,
        minority_interest=100,
        retained_earnings=1500,
        preferred_equity=100,
        operating_cash_flow=729,
        investing_cash_flow=-450,
        financing_cash_flow=-200,
        capital_expenditure=386,
        dividends_paid=150,
        share_repurchases=120,
        share_issuance=20,
        shares_outstanding=100,
    ),
)
#: 100 shares at 50; dividends of the years 2024 back to 2019; a thousandth of a dollar for a won.
MARKET: Final[dict[str, Any]] = {
    "close": 50.0,
    "shares": 100.0,
    "average_close_5y": 40.0,
    "dps_ttm": 2.0,
    "dividends": (1.8, 1.5, 1.2, 1.2, 0.0, 0.05625),
    "ex_date_in": 12.0,
    "dollars": 0.001,
}
FORWARD_EPS, FORWARD_DPS = 5.0, 2.2


def _root(of: Decimal | int) -> Decimal:
    with localcontext(prec=40):
        return Decimal(of).sqrt()


def _deviation(values: list[F]) -> Decimal:
    """Sample standard deviation."""
    mean = sum(values, F(0)) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), F(0)) / (len(values) - 1)
    with localcontext(prec=40):
        return (Decimal(variance.numerator) / variance.denominator).sqrt()


def _ohlson() -> Decimal:
    with localcontext(prec=40):
        index = Decimal("125.230") / Decimal("18.280") * 100  # 2024 over 1968
        size = (Decimal(6000) / 1000 / index).ln()
        return (
            Decimal("-1.32")
            - Decimal("0.407") * size
            + Decimal("6.03") * 3300 / 6000
            - Decimal("1.43") * (2600 - 1300) / 6000
            + Decimal("0.0757") * 1300 / 2600
            - Decimal("2.37") * 480 / 6000
            - Decimal("1.83") * (480 + 300) / 3300
            - Decimal("0.521") * (480 - 380) / (480 + 380)
        )


_EV = F(5000 + 1600 - 500 - 300 + 100 + 100)
_CAPITAL = F(2600 + 100 + 1600 - 500 - 300)
_CAPITAL_23, _CAPITAL_22 = F(2280 + 90 + 1530 - 420 - 280), F(2060 + 80 + 1500 - 400 - 250)
_AFTER_TAXES = 686 * (1 - F(165, 660))
_AFTER_TAXES_23 = 510 * (1 - F(98, 490))
_RETURNS = [F(480, 2600), F(380, 2280), F(400, 2060), F(60, 1500), F(30, 1000)]
_PROFITS = [F(480), F(380), F(400), F(60), F(30)]
_GRAHAM = _root(Decimal("22.5") * Decimal("4.8") * 26)

SHEET: Final[dict[str, F | Decimal]] = {
    # Valuation: all shares are worth 5,000.
    "per_ttm": F(5000, 480),
    "per_fwd": F(50) / 5,
    "pbr": F(5000, 2600),
    "ptbv": F(5000, 2600 - 400 - 200),
    "psr": F(5000, 4000),
    "pcr": F(5000, 729),
    "p_fcf": F(5000, 729 - 386),
    "peg": F(5000, 480) / 100,  # earnings per share doubled every year
    "ev": _EV,
    "ev_sales": _EV / 4000,
    "ev_ebitda": _EV / (720 + 300),
    "ev_ebit": _EV / 720,
    "ev_fcf": _EV / (729 - 386),
    "ev_ic": _EV / _CAPITAL,
    "earnings_yield": F(480, 5000) * 100,
    "fcf_yield": F(729 - 386, 5000) * 100,
    "book_yield": F(2600, 5000) * 100,
    "sales_yield": F(4000, 5000) * 100,
    "shareholder_yield": F(2, 50) * 100 + F(120 - 20, 5000) * 100,
    "buyback_yield": F(120 - 20, 5000) * 100,
    "dividend_yield_ttm": F(2, 50) * 100,
    "dividend_yield_fwd": F(22, 500) * 100,
    "graham_number": _GRAHAM,
    "graham_upside": (_GRAHAM / 50 - 1) * 100,
    "ncav_per_share": F(2600 - 3300 - 100, 100),
    "acquirers_multiple": _EV / 686,
    # Profitability.
    "roe": F(480, 2600) * 100,
    "roa": F(480, 6000) * 100,
    "roic": _AFTER_TAXES / _CAPITAL * 100,
    "roce": F(720, 6000 - 1300) * 100,
    "rota": F(720, 6000) * 100,
    "gross_margin": F(1600, 4000) * 100,
    "operating_margin": F(686, 4000) * 100,
    "ebitda_margin": F(720 + 300, 4000) * 100,
    "ebit_margin": F(720, 4000) * 100,
    "pretax_margin": F(660, 4000) * 100,
    "net_margin": F(480, 4000) * 100,
    "ocf_margin": F(729, 4000) * 100,
    "fcf_margin": F(343, 4000) * 100,
    "capex_to_sales": F(386, 4000) * 100,
    "gross_profit_to_assets": F(1600, 6000) * 100,
    "cash_roic": F(343) / _CAPITAL * 100,
    "effective_tax_rate": F(25),
    "dupont_margin": F(12),
    "dupont_turnover": F(4000, 6000),
    "dupont_leverage": F(6000, 2600),
    "incremental_roic": (_AFTER_TAXES - _AFTER_TAXES_23) / (_CAPITAL_23 - _CAPITAL_22) * 100,
    "roe_5y_avg": sum(_RETURNS, F(0)) / 5 * 100,
    # Growth.
    "revenue_yoy": F(10),  # 1,000 to 1,100
    "revenue_qoq": F(10),
    "revenue_ttm_yoy": F(400, 3600) * 100,
    "revenue_cagr_3y": F(25),  # 2,048 × 1.25³ = 4,000
    "revenue_cagr_5y": F(100),  # 125 × 2⁵ = 4,000
    "operating_profit_yoy": F(25),  # 152 × 1.25 = 190
    "operating_profit_cagr_3y": F(40),  # 250 × 1.4³ = 686
    "net_profit_yoy": F(25),  # 104 × 1.25 = 130
    "net_profit_qoq": F(4),  # 125 × 1.04 = 130
    "net_profit_cagr_3y": F(100),  # 60 × 2³ = 480
    "net_profit_cagr_5y": F(100),  # 15 × 2⁵ = 480
    "eps_yoy": F(25),  # 1.024 × 1.25 = 1.28
    "eps_qoq": F(3, 125) * 100,  # 1.25 × 1.024 = 1.28
    "eps_ttm_yoy": F(25),  # 3.8 × 1.25 = 4.75
    "eps_cagr_3y": F(100),  # 0.59375 × 2³ = 4.75
    "eps_cagr_5y": F(100),  # 0.1484375 × 2⁵ = 4.75
    "bps_yoy": (F(2600, 100) / F(2280, 104) - 1) * 100,
    "bps_cagr_5y": F(100),  # 65 / 80 × 2⁵ = 26
    "ocf_yoy": F(25),  # 168 × 1.25 = 210
    "ocf_cagr_3y": F(25, 2),  # 512 × 1.125³ = 729
    "fcf_yoy": F(25),  # 80 × 1.25 = 100
    "fcf_cagr_3y": F(100, 6),  # 216 × (7/6)³ = 343
    "assets_yoy": F(600, 5400) * 100,
    "equity_yoy": F(320, 2280) * 100,
    "dps_yoy": F(20),  # 1.5 × 1.2 = 1.8
    "dps_cagr_5y": F(100),  # 0.05625 × 2⁵ = 1.8
    "share_count_yoy": F(-4, 104) * 100,
    "margin_delta_1y": (F(686, 4000) - F(510, 3600)) * 100,
    "sustainable_growth": F(480, 2600) * (1 - F(200, 480)) * 100,
    "growth_consistency_5y": F(80),  # 15, 30, 60, 400, 380, 480: one of five fell
    # Stability.
    "debt_to_equity": F(1600, 2600) * 100,
    "net_debt_to_equity": F(800, 2600) * 100,
    "liabilities_to_equity": F(3300, 2600) * 100,
    "debt_to_assets": F(1600, 6000) * 100,
    "debt_to_ebitda": F(1600, 1020),
    "net_debt_to_ebitda": F(800, 1020),
    "interest_coverage": F(720, 60),
    "ebitda_coverage": F(1020, 60),
    "current_ratio": F(2),
    "quick_ratio": F(500 + 300 + 800, 1300),
    "cash_ratio": F(800, 1300),
    "ocf_ratio": F(729, 1300),
    "altman_z": F(12, 10) * F(1300, 6000)
    + F(14, 10) * F(1500, 6000)
    + F(33, 10) * F(720, 6000)
    + F(6, 10) * F(5000, 3300)
    + F(999, 1000) * F(4000, 6000),
    "altman_z2": F(656, 100) * F(1300, 6000)
    + F(326, 100) * F(1500, 6000)
    + F(672, 100) * F(720, 6000)
    + F(105, 100) * F(2600, 3300),
    "piotroski_f": F(9),
    "beneish_m": F(-484, 100)
    + F(920, 1000) * F(800, 4000) / F(700, 3600)
    + F(528, 1000) * F(1350, 3600) / F(1600, 4000)
    + F(404, 1000) * (1 - F(2600 + 2200, 6000)) / (1 - F(2300 + 2000, 5400))
    + F(892, 1000) * F(4000, 3600)
    + F(115, 1000) * F(280, 280 + 2000) / F(300, 300 + 2200)
    - F(172, 1000) * F(700, 4000) / F(660, 3600)
    + F(4679, 1000) * F(480 - 729, 6000)
    - F(327, 1000) * F(1200 + 1300, 6000) / F(1150 + 1250, 5400),
    "ohlson_o": _ohlson(),
    "sloan_accruals": (
        F((2600 - 800 - 1300 + 400) - (2300 - 700 - 1250 + 380) - 300) / F(6000 + 5400, 2) * 100
    ),
    "accruals_ratio": (
        F(480 - 729 + 450) / F((6000 - 800 - 3300 + 1600) + (5400 - 700 - 3030 + 1530), 2) * 100
    ),
    "cash_conversion": F(729, 480),
    "earnings_stability_5y": Decimal(270) / _deviation(_PROFITS),  # 1,350 / 5 = 270
    "roe_stdev_5y": _deviation(_RETURNS) * 100,
    "equity_ratio": F(2600, 6000) * 100,
    "financial_leverage": F(6000 + 5400, 2600 + 2280),
    # Efficiency: balances are means.
    "asset_turnover": F(4000, 5700),
    "fixed_asset_turnover": F(4000, 2100),
    "working_capital_turnover": F(4000, (1300 + 1050) // 2),
    "inventory_turnover": F(2400, 675),
    "receivables_turnover": F(4000, 750),
    "payables_turnover": F(2400, 430),
    "dio": F(675, 2400) * 365,
    "dso": F(750, 4000) * 365,
    "dpo": F(430, 2400) * 365,
    "cash_conversion_cycle": (F(675, 2400) + F(750, 4000) - F(430, 2400)) * 365,
    "capex_to_depreciation": F(386, 300),
    "sga_to_sales": F(700, 4000) * 100,
    "rnd_to_sales": F(200, 4000) * 100,
    # Dividend: 200 for all shares.
    "payout_ratio": F(200, 480) * 100,
    "fcf_payout": F(200, 343) * 100,
    "dps_ttm": F(2),
    "dividend_streak_years": F(4),  # 2024 to 2021
    "dividend_growth_streak": F(2),  # 1.8 > 1.5 > 1.2 = 1.2
    "ex_dividend_days": F(12),
    "yield_on_5y_avg_price": F(2, 40) * 100,
    "dividend_cover": F(480, 200),
}
