"""Relative strength and the momentum of smoothed averages: oscillators that never forget."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.averages import ema, settled, wilder
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel
from stocks.indicators.layout import ALONE, Layout, Prices
from stocks.indicators.ranges import stochastic
from stocks.indicators.trend import macd

#: What is left of the largest moves after years without any; less than this has lost its digits.
_NOTHING: Final = 1e-290


def gains_and_losses(close: Array, layout: Layout = ALONE) -> tuple[Array, Array]:
    """The rise and the fall of each close on the one before, neither below 0; NaN for the first."""
    moves = close - layout.before(close)
    return np.maximum(moves, 0.0), np.maximum(-moves, 0.0)


def strength(gain: Array, loss: Array) -> Array:
    """Wilder's index of average gains and losses: 100 × gain / (gain + loss)."""
    moved = gain + loss
    # TA-Lib's RSI takes less than 1e-8 for no move at all: too much for a price of fractions of a cent.
    moved[moved < _NOTHING] = np.nan
    return gain / moved * 100.0


def rsi(close: Array, period: int, layout: Layout = ALONE) -> Array:
    """Wilder's relative strength index, 0 to 100; NaN for the first ``period`` bars.

    A series that has not moved at all has no relative strength (0 / 0). TA-Lib answers 0 there, the mark of
    a falling series.
    """
    return strength(*(wilder(of, period, layout) for of in gains_and_losses(close, layout)))


def rsi_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The relative strength index of the closes."""
    return (ChainKernel(ids, lambda p: (p.layout.wanted(rsi(p.close, period, p.layout)),)),)


def stochrsi_kernels(ids: tuple[str, ...], period: int, window: int) -> tuple[AnyKernel, ...]:
    """Where the relative strength index stands in its own range of ``window`` bars."""

    def run(p: Prices) -> tuple[Array, ...]:
        index = rsi(p.close, period, p.layout)
        return (p.layout.wanted(p.layout.each(stochastic, index, period=window)),)

    return (ChainKernel(ids, run),)


def trix_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The change of a triple exponential average on the bar before, in percent."""

    def run(p: Prices) -> tuple[Array, ...]:
        smooth = p.close
        for _ in range(3):
            smooth = ema(smooth, period, p.layout)
        before, now = p.layout.wanted(p.layout.before(smooth)), p.layout.wanted(smooth)
        return (settled(now - before, now) / before * 100.0,)

    return (ChainKernel(ids, run),)


def ppo_kernels(ids: tuple[str, ...], fast: int, slow: int, signal: int) -> tuple[AnyKernel, ...]:
    """MACD as a percentage of its slow average: line, signal and histogram, as many as there are ids."""

    def run(p: Prices) -> tuple[Array, ...]:
        slow_average = ema(p.close, slow, p.layout)
        line = macd(p.close, fast, slow, signal, p.layout)[0] / slow_average * 100.0
        if len(ids) == 1:
            return (p.layout.wanted(line),)
        signal_line = ema(line, signal, p.layout)
        return tuple(map(p.layout.wanted, (line, signal_line, line - signal_line)))

    return (ChainKernel(ids, run),)


def tsi_kernels(ids: tuple[str, ...], slow: int, fast: int) -> tuple[AnyKernel, ...]:
    """Blau's true strength index, −100 to 100: doubly smoothed moves over doubly smoothed sizes of moves."""

    def run(p: Prices) -> tuple[Array, ...]:
        moves = p.close - p.layout.before(p.close)
        smooth, size = (
            p.layout.wanted(ema(ema(values, slow, p.layout), fast, p.layout))
            for values in (moves, np.abs(moves))
        )
        size[size < _NOTHING] = np.nan
        return (smooth / size * 100.0,)

    return (ChainKernel(ids, run),)


def _family(p: Prices) -> tuple[Array, ...]:
    """The indices of the catalogue, from gains and losses that are worked out once."""
    layout = p.layout
    moves = gains_and_losses(p.close, layout)
    two, seven = (strength(*(layout.wanted(wilder(of, n, layout)) for of in moves)) for n in (2, 7))
    fourteen = strength(*(wilder(of, 14, layout) for of in moves))
    place = layout.each(stochastic, fourteen, period=14)
    return two, seven, layout.wanted(fourteen), layout.wanted(place)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    ChainKernel(("rsi_2", "rsi_7", "rsi_14", "stochrsi"), _family),
    *trix_kernels(("trix_15",), 15),
    *tsi_kernels(("tsi",), 25, 13),
)
