"""Catalogue: what is owed, what covers it, and whether the profits are made of cash."""

from typing import Final

from stocks.indicators.catalog.entry import Indicator, Unit
from stocks.indicators.catalog.filed import CFA, DART, PRICED, damodaran, null_when

_EBITDA: Final = ("ebit", "depreciation_amortization")
_NET_DEBT: Final = "(debt − cash − short-term investments where filed)"
_ALTMAN: Final = ("current_assets", "current_liabilities", "retained_earnings", "ebit", "total_assets")
_ACCRUALS: Final = "short-term investments are filed for one of the two years only"


def _quotient(
    id_: str,
    amount: str,
    base: str,
    source: str,
    inputs: tuple[str, ...],
    *,
    unit: Unit = "ratio",
    quarters: int = 4,
    note: str = "",
) -> Indicator:
    return Indicator(
        id=id_,
        group="stability",
        unit=unit,
        formula=f"{amount} / {base}" + (" × 100" if unit == "percent" else "") + note,
        source=source,
        inputs=inputs,
        min_quarters=quarters,
        null_rule=null_when(f"{base} ≤ 0"),
    )


def _balance(
    id_: str, amount: str, base: str, source: str, *inputs: str, unit: Unit = "ratio", note: str = ""
) -> Indicator:
    return _quotient(id_, amount, base, source, inputs, unit=unit, quarters=1, note=note)


_NET_CASH: Final = "; negative where there is more cash than debt"

STABILITY = (
    _balance("debt_to_equity", "debt", "equity", CFA, "total_debt", "total_equity", unit="percent"),
    _balance(
        "net_debt_to_equity",
        _NET_DEBT,
        "equity",
        CFA,
        *("total_debt", "cash", "total_equity"),
        unit="percent",
        note=_NET_CASH,
    ),
    _balance(
        "liabilities_to_equity",
        "total liabilities",
        "equity",
        f"{DART}, debt ratio (부채비율)",
        *("total_liabilities", "total_equity"),
        unit="percent",
    ),
    _balance("debt_to_assets", "debt", "total assets", CFA, "total_debt", "total_assets", unit="percent"),
    _quotient(
        "debt_to_ebitda", "debt", "(EBIT + depreciation and amortisation) ttm", CFA, ("total_debt", *_EBITDA)
    ),
    _quotient(
        "net_debt_to_ebitda",
        _NET_DEBT,
        "(EBIT + depreciation and amortisation) ttm",
        CFA,
        ("total_debt", "cash", *_EBITDA),
        note=_NET_CASH,
    ),
    _quotient(
        "interest_coverage",
        "EBIT ttm",
        "interest expense ttm",
        damodaran(3),
        ("ebit", "interest_expense"),
        note="; negative for a loss",
    ),
    _quotient(
        "ebitda_coverage",
        "(EBIT + depreciation and amortisation) ttm",
        "interest expense ttm",
        CFA,
        (*_EBITDA, "interest_expense"),
        note="; negative for a loss",
    ),
    _balance(
        "current_ratio", "current assets", "current liabilities", CFA, "current_assets", "current_liabilities"
    ),
    _balance(
        "quick_ratio",
        "(cash + short-term investments where filed + receivables)",
        "current liabilities",
        CFA,
        *("cash", "receivables", "current_liabilities"),
    ),
    _balance(
        "cash_ratio",
        "(cash + short-term investments where filed)",
        "current liabilities",
        CFA,
        *("cash", "current_liabilities"),
    ),
    _quotient(
        "ocf_ratio",
        "operating cash flow ttm",
        "current liabilities",
        CFA,
        ("operating_cash_flow", "current_liabilities"),
    ),
    Indicator(
        id="altman_z",
        group="stability",
        unit="score",
        formula="1.2 × working capital / A + 1.4 × retained earnings / A + 3.3 × EBIT ttm / A + 0.6 × close"
        " × shares outstanding / total liabilities + 0.999 × revenue ttm / A, where A is total assets and"
        " working"
        " capital current assets − current liabilities; below 1.81 distress, above 2.99 safe",
        source="Altman, J. of Finance 23 (1968) 589-609",
        inputs=(*_ALTMAN, "total_liabilities", "revenue", "close", "shares_outstanding"),
        min_bars=1,
        min_quarters=4,
        null_rule=null_when("total assets or total liabilities ≤ 0", PRICED),
    ),
    Indicator(
        id="altman_z2",
        group="stability",
        unit="score",
        formula="6.56 × working capital / A + 3.26 × retained earnings / A + 6.72 × EBIT ttm / A + 1.05 ×"
        " equity"
        " / total liabilities, where A is total assets; below 1.1 distress, above 2.6 safe",
        source="Altman, Predicting Financial Distress of Companies (2000) (Z″, any industry, without the"
        " constant of 3.25 of its version for emerging markets)",
        inputs=(*_ALTMAN, "total_equity", "total_liabilities"),
        min_quarters=4,
        null_rule=null_when("total assets or total liabilities ≤ 0"),
    ),
    Indicator(
        id="piotroski_f",
        group="stability",
        unit="count",
        formula="how many of nine hold, each for the year ttm against the one before: net profit / opening"
        " assets"
        " > 0; operating cash flow / opening assets > 0; the former rose; the latter is above the former;"
        " long-term debt / mean assets fell; current ratio rose; no more shares outstanding than a year"
        " before,"
        " split-adjusted (where these are not filed: nothing received for new shares); gross margin rose;"
        " revenue"
        " / opening assets rose",
        source="Piotroski, J. of Accounting Research 38 Supplement (2000) 1-41",
        inputs=(
            *("net_profit", "operating_cash_flow", "total_assets", "long_term_debt", "current_assets"),
            *("current_liabilities", "shares_outstanding", "gross_profit", "revenue"),
        ),
        min_quarters=9,
        null_rule=null_when("one of the nine is unknown", "assets, current liabilities or revenue ≤ 0"),
    ),
    Indicator(
        id="beneish_m",
        group="stability",
        unit="score",
        formula="−4.84 + 0.920 DSRI + 0.528 GMI + 0.404 AQI + 0.892 SGI + 0.115 DEPI − 0.172 SGAI + 4.679"
        " TATA"
        " − 0.327 LVGI, each index the year ttm over the one before (GMI and DEPI the other way round): DSRI"
        " receivables / revenue, GMI gross margin, AQI 1 − (current assets + property) / total assets, SGI"
        " revenue,"
        " DEPI depreciation and amortisation / (itself + property), SGAI selling and administrative expense"
        " / revenue, LVGI (long-term debt + current liabilities) / total assets; TATA (net profit −"
        " operating cash"
        " flow) / total assets; above −1.78 manipulation is likely",
        source="Beneish, Financial Analysts Journal 55(5) (1999) 24-36; TATA after Beneish, Lee & Nichols,"
        " Financial Analysts Journal 69(2) (2013) 57-82",
        inputs=(
            *("receivables", "revenue", "gross_profit", "current_assets", "ppe", "total_assets"),
            *("depreciation_amortization", "sga_expense", "long_term_debt", "current_liabilities"),
            *("net_profit", "operating_cash_flow"),
        ),
        min_quarters=8,
        null_rule=null_when("what an index is divided by is ≤ 0, a gross loss among it"),
    ),
    Indicator(
        id="ohlson_o",
        group="stability",
        unit="score",
        formula="−1.32 − 0.407 ln(A in US dollars / price index) + 6.03 L / A − 1.43 working capital / A +"
        " 0.0757"
        " current liabilities / current assets − 1.72 (1 where L > A) − 2.37 net profit ttm / A − 1.83"
        " (net profit"
        " + depreciation and amortisation) ttm / L + 0.285 (1 where this year and the one before made a loss)"
        " − 0.521 (net profit ttm − that a year before) / (|net profit ttm| + |that a year before|), where"
        " A is"
        " total assets, L total liabilities and the index the United States' GDP deflator of the year"
        " before, 1968"
        " = 100; 1 / (1 + e^−O) is the probability of failure",
        source="Ohlson, J. of Accounting Research 18 (1980) 109-131, model 1",
        inputs=(
            *("total_assets", "total_liabilities", "current_assets", "current_liabilities"),
            *("net_profit", "depreciation_amortization", "fx_rate"),
        ),
        min_quarters=8,
        null_rule=null_when(
            "total assets, total liabilities or current assets ≤ 0",
            "net profit was 0 in both years",
            "no rate of the statements' currency to the US dollar",
            "the year before is earlier than 2000",
        ),
    ),
    Indicator(
        id="sloan_accruals",
        group="stability",
        unit="percent",
        formula="(change in a year of (current assets − cash − short-term investments where filed − current"
        " liabilities + debt due within a year) − depreciation and amortisation ttm) / mean total assets"
        " of the"
        " year × 100; taxes payable are not filed apart and stay in the liabilities",
        source="Sloan, The Accounting Review 71 (1996) 289-315",
        inputs=(
            *("current_assets", "cash", "current_liabilities", "short_term_debt"),
            *("depreciation_amortization", "total_assets"),
        ),
        min_quarters=5,
        null_rule=null_when("total assets ≤ 0", _ACCRUALS),
    ),
    Indicator(
        id="accruals_ratio",
        group="stability",
        unit="percent",
        formula="(net profit − operating cash flow − investing cash flow) ttm / mean net operating assets"
        " of the"
        " year × 100; net operating assets = total assets − cash − short-term investments where filed − total"
        " liabilities + debt",
        source=f"{CFA}, Evaluating Quality of Financial Reports (cash flow accruals ratio)",
        inputs=(
            *("net_profit", "operating_cash_flow", "investing_cash_flow"),
            *("total_assets", "cash", "total_liabilities", "total_debt"),
        ),
        min_quarters=5,
        null_rule=null_when("mean net operating assets ≤ 0", _ACCRUALS),
    ),
    _quotient(
        "cash_conversion",
        "operating cash flow ttm",
        "net profit ttm",
        f"{CFA} (operating cash flow to net income)",
        ("operating_cash_flow", "net_profit"),
    ),
    Indicator(
        id="earnings_stability_5y",
        group="stability",
        unit="ratio",
        formula="mean / sample standard deviation of the net profit of the last five fiscal years;"
        " negative for"
        " losses",
        source="the inverse of the coefficient of variation; Francis, LaFond, Olsson & Schipper, The"
        " Accounting"
        " Review 79 (2004) 967-1010 (variability of earnings)",
        inputs=("net_profit",),
        min_quarters=20,
        null_rule=null_when("the five are equal", "one of the five years is not on file"),
    ),
    Indicator(
        id="roe_stdev_5y",
        group="stability",
        unit="percent",
        formula="sample standard deviation of net profit / closing equity × 100 of the last five fiscal"
        " years, in"
        " percentage points",
        source="Asness, Frazzini & Pedersen, Quality Minus Junk, Review of Accounting Studies 24 (2019)"
        " 34-112"
        " (volatility of profitability)",
        inputs=("net_profit", "total_equity"),
        min_quarters=20,
        null_rule=null_when("equity ≤ 0 at the end of one of the five years"),
    ),
    _balance("equity_ratio", "equity", "total assets", DART, "total_equity", "total_assets", unit="percent"),
    _quotient(
        "financial_leverage",
        "mean total assets",
        "mean equity of the last period end filed and a year before",
        CFA,
        ("total_assets", "total_equity"),
        quarters=5,
    ),
)
