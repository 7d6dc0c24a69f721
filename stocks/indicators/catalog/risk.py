"""Catalogue: volatility, the market's part in it, and what was lost.

Returns are simple changes from close to close as fractions, split-adjusted, without dividends, unless
the formula says otherwise; the risk-free rate is 0; a year is 252 bars. "The market" is the level of
the market's benchmark on the same days.
"""

from stocks.indicators.catalog.entry import Indicator, Unit

_WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"
_HULL = "Hull, Options, Futures, and Other Derivatives, ch. 15.4"
_MARKET = "the market's level is unknown on one of the days; the market's returns do not vary"


def _entry(
    id_: str,
    unit: Unit,
    formula: str,
    source: str,
    min_bars: int,
    inputs: tuple[str, ...] = ("close",),
    null: str = "",
    aliases: tuple[str, ...] = (),
) -> Indicator:
    return Indicator(
        id=id_,
        group="risk",
        unit=unit,
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=min_bars,
        null_rule="fewer bars than min_bars" + (f"; {null}" if null else ""),
        aliases=aliases,
    )


def _volatility(id_: str, bars: int, aliases: tuple[str, ...] = ()) -> Indicator:
    formula = (
        f"sample standard deviation of the last {bars} daily log returns × √252 × 100"
        " (annualised); suspended days count as returns of 0"
    )
    return _entry(id_, "percent", formula, _HULL, bars + 1, aliases=aliases)


def _beta(id_: str, bars: int) -> Indicator:
    formula = (
        f"covariance of the last {bars} daily returns with the market's / variance of the market's"
        " (the slope of the least-squares line)"
    )
    source = "Sharpe, J. of Finance 19 (1964) 425-442; TA-Lib BETA"
    return _entry(id_, "ratio", formula, source, bars + 1, ("close", "market"), _MARKET)


RISK = (
    _entry(
        "atr_14",
        "price",
        "Wilder average of the true range max(high, previous close) − min(low, previous"
        " close) over 14, seeded by the mean of the first 14; a bar without high and low counts"
        " with its close",
        f"{_WILDER}, section III; TA-Lib ATR",
        15,
        ("high", "low", "close"),
    ),
    _entry("atr_pct", "percent", "atr_14 / close × 100", "TA-Lib NATR", 15, ("high", "low", "close")),
    _volatility("hv_20", 20, aliases=("volatility_20d",)),
    _volatility("hv_60", 60),
    _volatility("hv_252", 252),
    _beta("beta_60", 60),
    _beta("beta_252", 252),
    _entry(
        "alpha_252",
        "percent",
        "(mean daily return − beta_252 × the market's mean daily return) × 252 × 100 (annualised)",
        "Jensen, J. of Finance 23 (1968) 389-416, with a risk-free rate of 0",
        253,
        ("close", "market"),
        _MARKET,
    ),
    _entry(
        "corr_index_252",
        "ratio",
        "Pearson correlation of the last 252 daily returns with the market's, −1 to 1",
        "Pearson; TA-Lib CORREL of the returns",
        253,
        ("close", "market"),
        f"{_MARKET}, or the stock's do not",
    ),
    _entry(
        "sharpe_252",
        "ratio",
        "mean of the last 252 daily returns / their sample standard deviation × √252",
        "Sharpe, J. of Portfolio Management 21 (1994) 49-58, with a risk-free rate of 0",
        253,
        null="the returns do not vary",
    ),
    _entry(
        "sortino_252",
        "ratio",
        "mean of the last 252 daily returns × 252 × 100 / downside_dev_252",
        "Sortino & Price, J. of Investing 3 (1994) 59-64, with a target of 0",
        253,
        null="no day lost anything",
    ),
    _entry(
        "mdd_252",
        "percent",
        "lowest (close / highest close so far − 1) × 100 within the last 252 bars, ≤ 0",
        "Magdon-Ismail & Atiya, Risk 17 (2004) 99-102; maximum drawdown",
        252,
    ),
    _entry(
        "mdd_days",
        "count",
        "bars from the peak to the trough of mdd_252: to the first of equal troughs, from the last of equal"
        " peaks before it; 0 where nothing was lost",
        "peak and trough of the maximum drawdown; Magdon-Ismail & Atiya, Risk 17 (2004) 99-102",
        252,
    ),
    _entry(
        "ulcer_index",
        "percent",
        "square root of the mean over the last 14 bars of ((close / highest close so far within the 14 − 1)"
        " × 100)²",
        "Martin & McCann, The Investor's Guide to Fidelity Funds (1989)",
        14,
    ),
    _entry(
        "var95_1d",
        "percent",
        "−100 × the 5 % quantile of the last 252 daily returns, interpolated linearly (type 7): the loss in a"
        " day, as a positive number, that 95 of 100 days stayed within",
        "historical simulation; Jorion, Value at Risk (2006), ch. 10; Hyndman & Fan (1996)",
        253,
    ),
    _entry(
        "downside_dev_252",
        "percent",
        "square root of the mean of min(return, 0)² over the last 252 daily returns × √252 × 100"
        " (annualised)",
        "Sortino & van der Meer, J. of Portfolio Management 17 (1991) 27-31, with a target of 0",
        253,
    ),
)
