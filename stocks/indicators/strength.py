"""Relative strength and the momentum of smoothed averages: oscillators that never forget."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.averages import ROUNDING, ema, settled, wilder
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel
from stocks.indicators.trend import macd

#: What is left of the largest moves after years without any; less than this has lost its digits.
_NOTHING: Final = 1e-290


def gains_and_losses(close: Array) -> tuple[Array, Array]:
    """The rise and the fall of each close on the one before, neither below 0; NaN for the first."""
    moves = np.empty(len(close))
    moves[:1] = np.nan
    np.subtract(close[1:], close[:-1], out=moves[1:])
    return np.maximum(moves, 0.0), np.maximum(-moves, 0.0)


def strength(gains: Array, losses: Array, period: int, *, last: int | None = None) -> Array:
    """Wilder's index of gains and losses: 100 × average gain / (average gain + average loss).

    All of it, or the last values only.
    """
    since = 0 if last is None else max(len(gains) - last, 0)
    gain = wilder(gains, period)[since:]
    moved = gain + wilder(losses, period)[since:]
    # TA-Lib's RSI takes less than 1e-8 for no move at all: too much for a price of fractions of a cent.
    moved[moved < _NOTHING] = np.nan
    return gain / moved * 100.0


def rsi(close: Array, period: int) -> Array:
    """Wilder's relative strength index, 0 to 100; NaN for the first ``period`` bars.

    A series that has not moved at all has no relative strength (0 / 0). TA-Lib answers 0 there, the mark of
    a falling series.
    """
    return strength(*gains_and_losses(close), period)


def stochastic(values: Array, period: int) -> Array:
    """Where each value, 0 to 100, stands in the range of the last ``period``, 0 to 100.

    NaN where they are all equal up to rounding: of a stock that stands still the index does so too.
    """
    low = functions.MIN(values, timeperiod=period)
    spread = functions.MAX(values, timeperiod=period) - low
    spread[spread <= 100.0 * ROUNDING] = np.nan
    return (values - low) / spread * 100.0


def rsi_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The relative strength index of the closes."""
    return (Kernel(ids, lambda b: (rsi(b.close, period),)),)


def stochrsi_kernels(ids: tuple[str, ...], period: int, window: int) -> tuple[AnyKernel, ...]:
    """Where the relative strength index stands in its own range of ``window`` bars."""
    return (Kernel(ids, lambda b: (stochastic(rsi(b.close, period), window),)),)


def trix(close: Array, period: int) -> Array:
    """The change of a triple exponential average on the bar before, in percent."""
    smooth = ema(ema(ema(close, period), period), period)
    out = np.full(len(close), np.nan)
    out[1:] = _steps(smooth)
    return out


def _steps(smooth: Array) -> Array:
    """The change of each value but the first on the one before, in percent."""
    return settled(smooth[1:] - smooth[:-1], smooth[1:]) / smooth[:-1] * 100.0


def trix_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The change of the triple exponential average."""

    def ends(bars: Bars, count: int) -> tuple[Array, ...]:
        if len(bars) <= count:
            return (trix(bars.close, period),)
        return (_steps(ema(ema(ema(bars.close, period), period), period)[-count - 1 :]),)

    return (Kernel(ids, lambda b: (trix(b.close, period),), ends),)


def ppo_kernels(ids: tuple[str, ...], fast: int, slow: int, signal: int) -> tuple[AnyKernel, ...]:
    """MACD as a percentage of its slow average: line, signal and histogram, as many as there are ids."""

    def run(bars: Bars) -> tuple[Array, ...]:
        line = macd(bars.close, fast, slow, signal)[0] / ema(bars.close, slow) * 100.0
        if len(ids) == 1:
            return (line,)
        signal_line = ema(line, signal)
        return line, signal_line, line - signal_line

    return (Kernel(ids, run),)


def tsi(close: Array, slow: int, fast: int, *, last: int | None = None) -> Array:
    """Blau's true strength index, −100 to 100: doubly smoothed moves over doubly smoothed sizes of moves.

    All of it, or the last values only.
    """
    since = 0 if last is None else max(len(close) - last, 0)
    moves = np.empty(len(close))
    moves[:1] = np.nan
    np.subtract(close[1:], close[:-1], out=moves[1:])
    size = ema(ema(np.abs(moves), slow), fast)[since:]
    size[size < _NOTHING] = np.nan
    return ema(ema(moves, slow), fast)[since:] / size * 100.0


def tsi_kernels(ids: tuple[str, ...], slow: int, fast: int) -> tuple[AnyKernel, ...]:
    """The true strength index."""

    def ends(bars: Bars, count: int) -> tuple[Array, ...]:
        return (tsi(bars.close, slow, fast, last=count),)

    return (Kernel(ids, lambda b: (tsi(b.close, slow, fast),), ends),)


def _family(bars: Bars) -> tuple[Array, ...]:
    """The indices of the catalogue, from gains and losses that are worked out once."""
    gains, losses = gains_and_losses(bars.close)
    two, seven, fourteen = (strength(gains, losses, period) for period in (2, 7, 14))
    return two, seven, fourteen, stochastic(fourteen, 14)


def _family_ends(bars: Bars, count: int) -> tuple[Array, ...]:
    gains, losses = gains_and_losses(bars.close)
    two, seven = (strength(gains, losses, period, last=count) for period in (2, 7))
    # Where the last 14 lie in their range follows from them alone, unless one of them is unknown.
    fourteen = strength(gains, losses, 14, last=13 + count)
    if len(fourteen) < 13 + count or np.isnan(fourteen).any():
        fourteen = strength(gains, losses, 14)
    return two, seven, fourteen[-count:], stochastic(fourteen, 14)[-count:]


KERNELS: Final[tuple[AnyKernel, ...]] = (
    Kernel(("rsi_2", "rsi_7", "rsi_14", "stochrsi"), _family, _family_ends),
    *trix_kernels(("trix_15",), 15),
    *tsi_kernels(("tsi",), 25, 13),
)
