"""Catalogue: what is earned on sales, assets and capital.

Returns are on closing balances, as Korean companies publish them; turnovers and days, of the
group efficiency, are on the mean of a year.
"""

from typing import Final

from stocks.indicators.catalog.entry import Indicator, Unit
from stocks.indicators.catalog.filed import CFA, DART, damodaran, null_when

_CAPITAL: Final = ("total_equity", "total_debt", "cash")
_NOPAT: Final = ("operating_profit", "pretax_profit", "income_tax")
_NOPAT_WORDS: Final = (
    "operating profit ttm × (1 − income tax ttm / pretax profit ttm, held between 0 and 1, and 0 where pretax"
    " profit ≤ 0)"
)
_CAPITAL_WORDS: Final = (
    "(equity + debt + minority interest where filed − cash − short-term investments where filed)"
)
_DUPONT: Final = "Soliman, The Accounting Review 83 (2008) 823-853 (DuPont analysis)"


def _quotient(
    id_: str,
    amount: str,
    base: str,
    source: str,
    inputs: tuple[str, ...],
    *,
    unit: Unit = "percent",
    quarters: int = 4,
) -> Indicator:
    return Indicator(
        id=id_,
        group="profitability",
        unit=unit,
        formula=f"{amount} / {base}" + (" × 100" if unit == "percent" else ""),
        source=source,
        inputs=inputs,
        min_quarters=quarters,
        null_rule=null_when(f"{base} ≤ 0"),
    )


def _margin(id_: str, amount: str, source: str, *inputs: str) -> Indicator:
    return _quotient(id_, f"{amount} ttm", "revenue ttm", source, (*inputs, "revenue"))


PROFITABILITY = (
    _quotient(
        "roe",
        "net profit ttm",
        "equity",
        f"{DART}, return on equity on closing equity",
        ("net_profit", "total_equity"),
    ),
    _quotient(
        "roa",
        "net profit ttm",
        "total assets",
        f"{damodaran(3)} (on closing assets)",
        ("net_profit", "total_assets"),
    ),
    _quotient(
        "roic",
        _NOPAT_WORDS,
        _CAPITAL_WORDS,
        "Koller, Goedhart & Wessels, Valuation, 6th ed. (2015), ch. 9 (on closing capital)",
        (*_NOPAT, *_CAPITAL),
    ),
    _quotient(
        "roce",
        "EBIT ttm",
        "(total assets − current liabilities)",
        "Atrill & McLaney, Accounting and Finance for Non-Specialists (return on capital employed)",
        ("ebit", "total_assets", "current_liabilities"),
    ),
    _quotient(
        "rota",
        "EBIT ttm",
        "total assets",
        "Brigham & Ehrhardt, Financial Management: Theory and Practice (basic earning power)",
        ("ebit", "total_assets"),
    ),
    _margin("gross_margin", "gross profit (as filed, else revenue − cost of revenue)", CFA, "gross_profit"),
    _margin("operating_margin", "operating profit", damodaran(3), "operating_profit"),
    _margin(
        "ebitda_margin", "(EBIT + depreciation and amortisation)", CFA, "ebit", "depreciation_amortization"
    ),
    _margin("ebit_margin", "EBIT (as filed, else pretax profit + interest expense)", CFA, "ebit"),
    _margin("pretax_margin", "pretax profit", CFA, "pretax_profit"),
    _margin("net_margin", "net profit", damodaran(3), "net_profit"),
    _margin("ocf_margin", "operating cash flow", CFA, "operating_cash_flow"),
    _margin(
        "fcf_margin",
        "(operating cash flow − capital expenditure)",
        CFA,
        "operating_cash_flow",
        "capital_expenditure",
    ),
    _margin("capex_to_sales", "capital expenditure", damodaran(10), "capital_expenditure"),
    _quotient(
        "gross_profit_to_assets",
        "gross profit ttm",
        "total assets",
        "Novy-Marx, J. of Financial Economics 108 (2013) 1-28",
        ("gross_profit", "total_assets"),
    ),
    _quotient(
        "cash_roic",
        "(operating cash flow − capital expenditure) ttm",
        _CAPITAL_WORDS,
        "Hackel, Security Valuation and Risk Analysis (2011) (free cash flow return on invested capital)",
        ("operating_cash_flow", "capital_expenditure", *_CAPITAL),
    ),
    _quotient(
        "effective_tax_rate", "income tax ttm", "pretax profit ttm", CFA, ("income_tax", "pretax_profit")
    ),
    _quotient("dupont_margin", "net profit ttm", "revenue ttm", _DUPONT, ("net_profit", "revenue")),
    _quotient(
        "dupont_turnover",
        "revenue ttm",
        "total assets (closing, so that margin × turnover × leverage = roe)",
        _DUPONT,
        ("revenue", "total_assets"),
        unit="ratio",
    ),
    _quotient(
        "dupont_leverage",
        "total assets",
        "equity",
        _DUPONT,
        ("total_assets", "total_equity"),
        unit="ratio",
        quarters=1,
    ),
    Indicator(
        id="incremental_roic",
        group="profitability",
        unit="percent",
        formula=f"(profit after taxes − profit after taxes a year before) / (capital a year before − capital"
        f" two years before) × 100; profit after taxes = {_NOPAT_WORDS}, capital = {_CAPITAL_WORDS}",
        source="Mauboussin & Callahan, Return on Invested Capital, Counterpoint Global (2022) (ROIIC, one"
        " year)",
        inputs=(*_NOPAT, *_CAPITAL),
        min_quarters=9,
        null_rule=null_when(
            "the capital did not rise from two years before to one year before",
            "short-term investments or minority interest are filed for one of these two only",
        ),
    ),
    Indicator(
        id="roe_5y_avg",
        group="profitability",
        unit="percent",
        formula="mean of net profit / closing equity × 100 of the last five fiscal years",
        source=f"{damodaran(11)} (average past return on equity)",
        inputs=("net_profit", "total_equity"),
        min_quarters=20,
        null_rule=null_when("equity ≤ 0 at the end of one of the five years"),
    ),
)
