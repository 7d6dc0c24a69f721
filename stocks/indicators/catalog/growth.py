"""Catalogue: what was filed last against the same a quarter, a year or some years before."""

from typing import Final

from stocks.indicators.catalog.entry import Indicator
from stocks.indicators.catalog.filed import CFA, DART, damodaran, null_when

_BASE: Final = "the base is ≤ 0, so a percentage has no meaning"
_EPS: Final = (
    "earnings per share (as filed, split-adjusted; where one of the two is not filed, both are net profit /"
    " shares outstanding at the period's end)"
)
_BPS: Final = "equity per share outstanding at the period's end"
_YOY: Final = f"{DART}, change on the same period of the previous year"


def _growth(
    id_: str, formula: str, source: str, inputs: tuple[str, ...], quarters: int, *reasons: str
) -> Indicator:
    return Indicator(
        id=id_,
        group="growth",
        unit="percent",
        formula=formula,
        source=source,
        inputs=inputs,
        min_quarters=quarters,
        null_rule=null_when(*(reasons or (_BASE,))),
    )


def _yoy(id_: str, words: str, *inputs: str) -> Indicator:
    return _growth(
        id_,
        f"({words} of the last period filed / {words} of the same period a year before"
        " − 1) × 100; a quarter where quarters are filed, else the year",
        _YOY,
        inputs,
        5,
    )


def _qoq(id_: str, words: str, *inputs: str) -> Indicator:
    return _growth(
        id_,
        f"({words} of the last quarter filed / {words} of the quarter before − 1) × 100, as filed: seasons"
        f" are"
        " not taken out",
        f"{CFA}, change on the previous quarter",
        inputs,
        2,
        _BASE,
        "a year is filed that ends after the last quarter",
    )


def _ttm(id_: str, words: str, *inputs: str) -> Indicator:
    return _growth(id_, f"({words} ttm / {words} ttm a year before − 1) × 100", _YOY, inputs, 8)


def _cagr(id_: str, words: str, years: int, *inputs: str) -> Indicator:
    return _growth(
        id_,
        f"(({words} of the last fiscal year / {words} of the one {years} years before)^(1/{years}) − 1) ×"
        f" 100",
        f"{damodaran(11)} (geometric average growth)",
        inputs,
        4 * (years + 1),
        "one of the two is ≤ 0: from a loss, or into one, no constant rate leads",
    )


def _balance(id_: str, words: str, source: str, *inputs: str) -> Indicator:
    return _growth(
        id_, f"({words} at the last period end filed / {words} a year before − 1) × 100", source, inputs, 5
    )


GROWTH = (
    _yoy("revenue_yoy", "revenue", "revenue"),
    _qoq("revenue_qoq", "revenue", "revenue"),
    _ttm("revenue_ttm_yoy", "revenue", "revenue"),
    _cagr("revenue_cagr_3y", "revenue", 3, "revenue"),
    _cagr("revenue_cagr_5y", "revenue", 5, "revenue"),
    _yoy("operating_profit_yoy", "operating profit", "operating_profit"),
    _cagr("operating_profit_cagr_3y", "operating profit", 3, "operating_profit"),
    _yoy("net_profit_yoy", "net profit", "net_profit"),
    _qoq("net_profit_qoq", "net profit", "net_profit"),
    _cagr("net_profit_cagr_3y", "net profit", 3, "net_profit"),
    _cagr("net_profit_cagr_5y", "net profit", 5, "net_profit"),
    _yoy("eps_yoy", _EPS, "eps"),
    _qoq("eps_qoq", _EPS, "eps"),
    _ttm("eps_ttm_yoy", _EPS, "eps"),
    _cagr("eps_cagr_3y", _EPS, 3, "eps"),
    _cagr("eps_cagr_5y", _EPS, 5, "eps"),
    _balance("bps_yoy", _BPS, CFA, "total_equity", "shares_outstanding"),
    _cagr("bps_cagr_5y", _BPS, 5, "total_equity", "shares_outstanding"),
    _yoy("ocf_yoy", "operating cash flow", "operating_cash_flow"),
    _cagr("ocf_cagr_3y", "operating cash flow", 3, "operating_cash_flow"),
    _yoy(
        "fcf_yoy",
        "operating cash flow less capital expenditure",
        "operating_cash_flow",
        "capital_expenditure",
    ),
    _cagr(
        "fcf_cagr_3y",
        "operating cash flow less capital expenditure",
        3,
        "operating_cash_flow",
        "capital_expenditure",
    ),
    _balance(
        "assets_yoy",
        "total assets",
        "Cooper, Gulen & Schill, J. of Finance 63 (2008) 1609-1651",
        "total_assets",
    ),
    _balance("equity_yoy", "equity", _YOY, "total_equity"),
    Indicator(
        id="dps_yoy",
        group="growth",
        unit="percent",
        formula="(dividends per share with an ex-date in the last calendar year that is over / those of"
        " the year"
        " before − 1) × 100, split-adjusted",
        source=damodaran(13),
        inputs=("dividends",),
        min_bars=1,
        null_rule="no dividend in the year before; none on file in one of the two years, unless the"
        " stock's data"
        " is known to list every dividend",
    ),
    Indicator(
        id="dps_cagr_5y",
        group="growth",
        unit="percent",
        formula="((dividends per share with an ex-date in the last calendar year that is over / those of"
        " the year"
        " five years before)^(1/5) − 1) × 100, split-adjusted",
        source=f"{damodaran(11)} (geometric average growth)",
        inputs=("dividends",),
        min_bars=1,
        null_rule="no dividend in one of the two years, or none on file",
    ),
    _balance(
        "share_count_yoy",
        "shares outstanding, split-adjusted,",
        "Pontiff & Woodgate, J. of Finance 63 (2008) 921-945",
        "shares_outstanding",
    ),
    _growth(
        "margin_delta_1y",
        "operating margin ttm − operating margin ttm a year before, in percentage points",
        "Soliman, The Accounting Review 83 (2008) 823-853 (change in profit margin)",
        ("operating_profit", "revenue"),
        8,
        "revenue ≤ 0 in one of the two years",
    ),
    Indicator(
        id="sustainable_growth",
        group="growth",
        unit="percent",
        formula="roe × (1 − payout_ratio / 100)",
        source="Higgins, Financial Management 6 (1977) 7-16",
        inputs=("net_profit", "total_equity", "shares_outstanding", "dividends"),
        min_bars=1,
        min_quarters=4,
        null_rule="roe or payout_ratio is null",
    ),
    _growth(
        "growth_consistency_5y",
        "how many of the last five fiscal years had a higher net profit than the year before / 5 × 100",
        "Barth, Elliott & Finn, J. of Accounting Research 37 (1999) 387-413 (patterns of increasing"
        " earnings)",
        ("net_profit",),
        24,
        "one of the six years is not on file",
    ),
)
