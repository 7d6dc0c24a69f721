"""True range, volatility, the market's part in it, and what was lost.

The functions take windows of daily simple returns as fractions unless they say otherwise, and give one
figure a window. The risk-free rate is 0 throughout.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import ALONE, Layout, Prices
from stocks.indicators.reductions import change, deviation, log_returns, mean, quotient, returns, total
from stocks.indicators.windows import Windows

#: Trading days by which daily figures are made yearly.
YEAR: Final = 252
#: Returns that vary by less than this vary by their rounding and nothing else.
STILL: Final = 1e-12


def atr(high: Array, low: Array, close: Array, period: int, layout: Layout = ALONE) -> Array:
    """Wilder's average true range, in the unit of the prices; NaN for the first ``period`` bars."""
    return layout.each(functions.ATR, high, low, close, timeperiod=period)


def volatility(closes: Array) -> Array:
    """Yearly volatility of windows of closes in percent: sample deviation of log returns × √252 × 100."""
    return deviation(log_returns(closes), ddof=1) * np.sqrt(YEAR) * 100.0


def sharpe(daily: Array) -> Array:
    """Mean over sample deviation of the returns, × √252; NaN where the returns do not vary."""
    spread = deviation(daily, ddof=1)
    return quotient(mean(daily), np.where(spread > STILL, spread, 0.0)) * np.sqrt(YEAR)


def downside_deviation(daily: Array) -> Array:
    """Root of the mean squared loss over all days, gains counting as 0; a fraction per day."""
    losses = np.minimum(daily, 0.0)
    return np.sqrt(total(losses * losses) / daily.shape[-1])


def sortino(daily: Array) -> Array:
    """Mean return over downside deviation, × √252; NaN where no day lost anything."""
    return quotient(mean(daily), downside_deviation(daily)) * np.sqrt(YEAR)


def quantile(values: Array, share: float) -> Array:
    """The value below which ``share`` of the window lies, interpolated between neighbours (type 7)."""
    place = share * (values.shape[-1] - 1)
    below = int(place)
    above = min(below + 1, values.shape[-1] - 1)
    ordered = np.partition(values, (below, above), axis=-1)
    lower, upper = ordered[..., below], ordered[..., above]
    out: Array = lower + (upper - lower) * (place - below)
    return out


def market_model(daily: Array, market: Array) -> tuple[Array, Array, Array]:
    """Beta, alpha a day as a fraction, and correlation of returns with the market's.

    NaN where a return of the market is unknown or they do not vary; the correlation also where the stock's
    do not.
    """
    own, theirs = mean(daily), mean(market)
    x, y = market - theirs[..., None], daily - own[..., None]
    xx, xy, yy = total(x * x), total(x * y), total(y * y)
    least = daily.shape[-1] * STILL**2
    xx = np.where(xx > least, xx, 0.0)
    beta = quotient(xy, xx)
    correlation = quotient(xy, np.sqrt(xx * np.where(yy > least, yy, 0.0)))
    return beta, own - beta * theirs, np.clip(correlation, -1.0, 1.0)


def drawdown(closes: Array) -> tuple[Array, Array]:
    """The deepest fall of windows of closes in percent, ≤ 0, and the bars from its peak to its trough.

    Of equal falls the first counts, and of equal peaks before it the last.
    """
    peaks = np.maximum.accumulate(closes, axis=-1)
    falls = change(peaks, closes)
    trough = falls.argmin(axis=-1)[..., None]
    peak = np.where(closes == peaks, np.arange(closes.shape[-1]), 0)
    since = np.take_along_axis(np.maximum.accumulate(peak, axis=-1), trough, axis=-1)
    return np.take_along_axis(falls, trough, axis=-1)[..., 0], (trough - since)[..., 0].astype(np.float64)


def ulcer(closes: Array) -> Array:
    """Root of the mean squared fall from the highest close so far in the window, in percent of it."""
    falls = change(np.maximum.accumulate(closes, axis=-1), closes)
    return np.sqrt(total(falls * falls) / closes.shape[-1])


def atr_and_percent(p: Prices, period: int) -> tuple[Array, Array]:
    """Wilder's average true range, in the unit of the prices and in percent of the close."""
    average = p.layout.wanted(atr(p.high, p.low, p.close, period, p.layout))
    return average, average / p.layout.wanted(p.close) * 100.0


def _year(window: Windows) -> tuple[Array, ...]:
    daily = returns(window.close)
    return (
        volatility(window.close),
        sharpe(daily),
        sortino(daily),
        -100.0 * quantile(daily, 0.05),
        downside_deviation(daily) * np.sqrt(YEAR) * 100.0,
    )


def _market_year(window: Windows) -> tuple[Array, ...]:
    beta, alpha, correlation = market_model(returns(window.close), returns(window.market))
    return beta, alpha * YEAR * 100.0, correlation


def _beta(window: Windows) -> tuple[Array, ...]:
    return market_model(returns(window.close), returns(window.market))[:1]


KERNELS: Final[tuple[AnyKernel, ...]] = (
    ChainKernel(("atr_14", "atr_pct"), lambda p: atr_and_percent(p, 14)),
    WindowKernel(("hv_20",), 21, lambda w: (volatility(w.close),)),
    WindowKernel(("hv_60",), 61, lambda w: (volatility(w.close),)),
    WindowKernel(("hv_252", "sharpe_252", "sortino_252", "var95_1d", "downside_dev_252"), YEAR + 1, _year),
    WindowKernel(("beta_60",), 61, _beta),
    WindowKernel(("beta_252", "alpha_252", "corr_index_252"), YEAR + 1, _market_year),
    WindowKernel(("mdd_252", "mdd_days"), YEAR, lambda w: drawdown(w.close)),
    WindowKernel(("ulcer_index",), 14, lambda w: (ulcer(w.close),)),
)
