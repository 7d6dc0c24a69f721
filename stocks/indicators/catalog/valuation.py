"""Catalogue: what the market pays for what was filed."""

from typing import Final

from stocks.indicators.catalog.entry import Indicator, Unit
from stocks.indicators.catalog.filed import PRICED, damodaran, null_when

#: The inputs of the enterprise value; the lines "where filed" are left out.
_EV: Final = ("close", "shares_outstanding", "total_debt", "cash")
_NET_PAYOUT: Final = "Boudoukh, Michaely, Richardson & Roberts, J. of Finance 62 (2007) 877-915"
_BOOK_TO_MARKET: Final = "Fama & French, J. of Finance 47 (1992) 427-465"


def _multiple(
    id_: str,
    of: str,
    source: str,
    inputs: tuple[str, ...],
    *,
    quarters: int = 4,
    aliases: tuple[str, ...] = (),
) -> Indicator:
    """Price of all shares / some amount."""
    return Indicator(
        id=id_,
        group="valuation",
        unit="ratio",
        formula=f"close × shares outstanding / {of}",
        source=source,
        inputs=("close", "shares_outstanding", *inputs),
        min_bars=1,
        min_quarters=quarters,
        null_rule=null_when(f"{of} ≤ 0", PRICED),
        aliases=aliases,
    )


def _of_enterprise(
    id_: str, of: str, source: str, inputs: tuple[str, ...], *, quarters: int = 4
) -> Indicator:
    return Indicator(
        id=id_,
        group="valuation",
        unit="ratio",
        formula=f"ev / {of}",
        source=source,
        inputs=tuple(dict.fromkeys((*_EV, *inputs))),
        min_bars=1,
        min_quarters=quarters,
        null_rule=null_when("ev ≤ 0 (a company that its cash would buy)", f"{of} ≤ 0", PRICED),
    )


def _yield(id_: str, of: str, source: str, inputs: tuple[str, ...], *, quarters: int = 4) -> Indicator:
    """Some amount / price of all shares, which a loss makes negative."""
    return Indicator(
        id=id_,
        group="valuation",
        unit="percent",
        formula=f"{of} / (close × shares outstanding) × 100; negative where {of} is",
        source=source,
        inputs=("close", "shares_outstanding", *inputs),
        min_bars=1,
        min_quarters=quarters,
        null_rule=null_when(PRICED),
    )


def _graham(id_: str, unit: Unit, formula: str, *inputs: str) -> Indicator:
    return Indicator(
        id=id_,
        group="valuation",
        unit=unit,
        formula=formula,
        source="Graham, The Intelligent Investor, 4th ed. (1973), ch. 14: at most 15 times the earnings"
        " and 1.5 times the book value, or a product of both of 22.5",
        inputs=(*inputs, "shares_outstanding", "net_profit", "total_equity"),
        min_bars=len(inputs),
        min_quarters=4,
        null_rule=null_when("net profit ttm ≤ 0", "equity ≤ 0", PRICED),
    )


def _expected(id_: str, unit: Unit, formula: str, source: str, item: str, none: str) -> Indicator:
    return Indicator(
        id=id_,
        group="valuation",
        unit=unit,
        formula=formula,
        source=source,
        inputs=("close", item),
        min_bars=1,
        null_rule=f"{none}no expectation was published in the last 120 days; it is in another currency"
        " than the price",
    )


VALUATION = (
    _multiple(
        "per_ttm",
        "net profit ttm",
        "Graham & Dodd, Security Analysis (1934), ch. 39",
        ("net_profit",),
        aliases=("per",),
    ),
    _expected(
        "per_fwd",
        "ratio",
        "close / earnings per share that a vendor expects of the next twelve months",
        f"{damodaran(18)} (forward PE)",
        "forward_eps",
        "a loss is expected; ",
    ),
    _multiple(
        "pbr", "equity", f"{_BOOK_TO_MARKET} (its inverse, book-to-market)", ("total_equity",), quarters=1
    ),
    _multiple(
        "ptbv",
        "tangible equity, which is equity − goodwill − other intangible assets, each of the two where"
        " the other is filed,",
        damodaran(19),
        ("total_equity", "goodwill", "intangible_assets"),
        quarters=1,
    ),
    _multiple("psr", "revenue ttm", "Fisher, Super Stocks (1984)", ("revenue",)),
    _multiple(
        "pcr",
        "operating cash flow ttm",
        "Chan, Hamao & Lakonishok, J. of Finance 46 (1991) 1739-1764 (its inverse)",
        ("operating_cash_flow",),
    ),
    _multiple(
        "p_fcf",
        "free cash flow ttm, which is operating cash flow − capital expenditure,",
        f"{damodaran(18)}; free cash flow after Jensen, American Economic Review 76 (1986) 323-329",
        ("operating_cash_flow", "capital_expenditure"),
    ),
    Indicator(
        id="peg",
        group="valuation",
        unit="ratio",
        formula="per_ttm / eps_cagr_3y (in percent)",
        source="Lynch, One Up on Wall Street (1989); Damodaran, Investment Valuation, 3rd ed. (2012),"
        " ch. 18 (PEG on past growth)",
        inputs=("close", "shares_outstanding", "net_profit", "eps"),
        min_bars=1,
        min_quarters=16,
        null_rule=null_when("net profit ttm ≤ 0", "eps_cagr_3y ≤ 0 or null", PRICED),
    ),
    Indicator(
        id="ev",
        group="valuation",
        unit="money",
        formula="close × shares outstanding + debt − cash − short-term investments where filed"
        " + preferred equity and minority interest where filed; debt is what the filing calls so, else"
        " that due within a year + that due later",
        source=f"{damodaran(18)} (enterprise value)",
        inputs=_EV,
        min_bars=1,
        min_quarters=1,
        null_rule=null_when(PRICED),
    ),
    _of_enterprise("ev_sales", "revenue ttm", damodaran(20), ("revenue",)),
    _of_enterprise(
        "ev_ebitda",
        "EBITDA ttm, which is EBIT + depreciation and amortisation,",
        "Loughran & Wellman, J. of Financial and Quantitative Analysis 46 (2011) 1629-1650",
        ("ebit", "depreciation_amortization"),
    ),
    _of_enterprise(
        "ev_ebit",
        "EBIT ttm, which is as filed, else pretax profit + interest expense,",
        "Greenblatt, The Little Book That Beats the Market (2006) (its inverse, earnings yield)",
        ("ebit",),
    ),
    _of_enterprise(
        "ev_fcf",
        "free cash flow ttm, which is operating cash flow − capital expenditure,",
        damodaran(18),
        ("operating_cash_flow", "capital_expenditure"),
    ),
    _of_enterprise(
        "ev_ic",
        "invested capital, which is equity + debt + minority interest where filed − cash"
        " − short-term investments where filed,",
        f"{damodaran(19)} (value to book)",
        ("total_equity",),
        quarters=1,
    ),
    _yield(
        "earnings_yield",
        "net profit ttm",
        "the inverse of per_ttm; Basu, J. of Finance 32 (1977) 663-682",
        ("net_profit",),
    ),
    _yield(
        "fcf_yield",
        "free cash flow ttm",
        "the inverse of p_fcf; Lakonishok, Shleifer & Vishny, J. of Finance 49 (1994) 1541-1578 (cash flow"
        " to price)",
        ("operating_cash_flow", "capital_expenditure"),
    ),
    _yield("book_yield", "equity", f"the inverse of pbr; {_BOOK_TO_MARKET}", ("total_equity",), quarters=1),
    _yield(
        "sales_yield",
        "revenue ttm",
        "the inverse of psr; Barbee, Mukherji & Raines, FAJ 52 (1996) 56-60",
        ("revenue",),
    ),
    Indicator(
        id="shareholder_yield",
        group="valuation",
        unit="percent",
        formula="dividend_yield_ttm + buyback_yield",
        source=f"{_NET_PAYOUT} (net payout yield)",
        inputs=("close", "shares_outstanding", "dividends", "share_repurchases", "share_issuance"),
        min_bars=1,
        min_quarters=4,
        null_rule="dividend_yield_ttm or buyback_yield is null",
    ),
    Indicator(
        id="buyback_yield",
        group="valuation",
        unit="percent",
        formula="(paid for own shares − received for new shares) ttm / (close × shares outstanding) × 100,"
        " each"
        " of the two where the other is filed; negative where more is issued than bought back",
        source=f"{_NET_PAYOUT} (net repurchases)",
        inputs=("close", "shares_outstanding", "share_repurchases", "share_issuance"),
        min_bars=1,
        min_quarters=4,
        null_rule=null_when("neither of the two is filed", PRICED),
    ),
    Indicator(
        id="dividend_yield_ttm",
        group="valuation",
        unit="percent",
        formula="dividends per share with an ex-date in the 365 days up to the bar,"
        " split-adjusted / close × 100",
        source=damodaran(13),
        inputs=("close", "dividends"),
        min_bars=1,
        null_rule="no dividend in those 365 days, unless the stock's data is known to list every"
        " dividend: then 0",
        aliases=("dividend_yield",),
    ),
    _expected(
        "dividend_yield_fwd",
        "percent",
        "dividends per share that a vendor expects of the next twelve months / close × 100",
        damodaran(13),
        "forward_dps",
        "",
    ),
    _graham(
        "graham_number",
        "price",
        "√(22.5 × earnings per share × book value per share), on net profit ttm, equity and shares"
        " outstanding",
    ),
    _graham("graham_upside", "percent", "(graham_number / close − 1) × 100", "close"),
    Indicator(
        id="ncav_per_share",
        group="valuation",
        unit="price",
        formula="(current assets − total liabilities − preferred equity where filed) / shares outstanding;"
        " negative where more is owed",
        source="Graham & Dodd, Security Analysis (1934), ch. 43 (net current asset value)",
        inputs=("shares_outstanding", "current_assets", "total_liabilities"),
        min_quarters=1,
        null_rule=null_when(PRICED),
    ),
    _of_enterprise(
        "acquirers_multiple",
        "operating profit ttm",
        "Carlisle, The Acquirer's Multiple (2017)",
        ("operating_profit",),
    ),
)
