"""Relative strength and the momentum of smoothed averages: oscillators that never forget."""

from __future__ import annotations

from typing import Final

import numpy as np
import talib

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


def strength(gains: Array, losses: Array, period: int) -> Array:
    """Wilder's index of gains and losses: 100 × average gain / (average gain + average loss)."""
    gain = wilder(gains, period)
    moved = gain + wilder(losses, period)
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
    low = talib.MIN(values, timeperiod=period)
    spread = talib.MAX(values, timeperiod=period) - low
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
    out[1:] = settled(smooth[1:] - smooth[:-1], smooth[1:]) / smooth[:-1] * 100.0
    return out


def trix_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The change of the triple exponential average."""
    return (Kernel(ids, lambda b: (trix(b.close, period),)),)


def ppo_kernels(ids: tuple[str, ...], fast: int, slow: int, signal: int) -> tuple[AnyKernel, ...]:
    """MACD as a percentage of its slow average: line, signal and histogram, as many as there are ids."""

    def run(bars: Bars) -> tuple[Array, ...]:
        line = macd(bars.close, fast, slow, signal)[0] / ema(bars.close, slow) * 100.0
        if len(ids) == 1:
            return (line,)
        signal_line = ema(line, signal)
        return line, signal_line, line - signal_line

    return (Kernel(ids, run),)


def tsi(close: Array, slow: int, fast: int) -> Array:
    """Blau's true strength index, −100 to 100: doubly smoothed moves over doubly smoothed sizes of moves."""
    moves = np.empty(len(close))
    moves[:1] = np.nan
    np.subtract(close[1:], close[:-1], out=moves[1:])
    size = ema(ema(np.abs(moves), slow), fast)
    size[size < _NOTHING] = np.nan
    return ema(ema(moves, slow), fast) / size * 100.0


def tsi_kernels(ids: tuple[str, ...], slow: int, fast: int) -> tuple[AnyKernel, ...]:
    """The true strength index."""
    return (Kernel(ids, lambda b: (tsi(b.close, slow, fast),)),)


def _family(bars: Bars) -> tuple[Array, ...]:
    """The indices of the catalogue, from gains and losses that are worked out once."""
    gains, losses = gains_and_losses(bars.close)
    two, seven, fourteen = (strength(gains, losses, period) for period in (2, 7, 14))
    return two, seven, fourteen, stochastic(fourteen, 14)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    Kernel(("rsi_2", "rsi_7", "rsi_14", "stochrsi"), _family),
    *trix_kernels(("trix_15",), 15),
    *ppo_kernels(("ppo",), 12, 26, 9),
    *tsi_kernels(("tsi",), 25, 13),
)
