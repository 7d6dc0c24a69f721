"""What TA-Lib's functions do with one more bar, for many stocks at once and to the last bit.

An average that decays, or a sum since the first bar, follows from the bar and from its own value at the bar
before; the place of a value in its range follows from the last few values. So much has to be remembered of a
history to go on as if it had been worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.bars import Array
from stocks.indicators.fused import fused
from stocks.indicators.ranges import place, stochastic

_Columns = Sequence[Array]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a function.

    Attributes:
        run: its values at a bar, (stocks,), from what is remembered, (stocks, width), and from its columns at
            the bar before and at the bar, (stocks,) each.
        width: how many values of each stock are remembered.
        follows_itself: these are its own last values, and not those of its first column.
    """

    run: Callable[[Array, _Columns, _Columns], Array]
    width: int = 1
    follows_itself: bool = True


def _ema(*, timeperiod: int) -> Step:
    weight = np.float64(2.0 / (timeperiod + 1))
    return Step(lambda known, before, now: fused(now[0] - known[:, 0], weight, known[:, 0]))


def _rma(*, timeperiod: int) -> Step:
    return Step(lambda known, before, now: _wilder(known[:, 0], now[0], timeperiod))


def _atr(*, timeperiod: int) -> Step:
    def run(known: Array, before: _Columns, now: _Columns) -> Array:
        (high, low, _), close = now, before[2]
        size = np.maximum(high - low, np.maximum(np.abs(close - high), np.abs(close - low)))
        return _wilder(known[:, 0], size, timeperiod)

    return Step(run)


def _wilder(known: Array, value: Array, period: int) -> Array:
    rest = np.float64((period - 1) / period)
    return fused(rest, known, (1.0 - rest) * value)


def _obv() -> Step:
    return Step(lambda known, before, now: known[:, 0] + np.sign(now[0] - before[0]) * now[1])


def _ad() -> Step:
    def run(known: Array, before: _Columns, now: _Columns) -> Array:
        high, low, close, volume = now
        share = np.zeros(len(high))
        np.divide((close - low) - (high - close), high - low, out=share, where=high > low)
        return known[:, 0] + share * volume

    return Step(run)


def _stochastic(*, period: int) -> Step:
    def run(known: Array, before: _Columns, now: _Columns) -> Array:
        window = np.append(known, now[0][:, np.newaxis], axis=1)
        return place(now[0], window.min(axis=1), window.max(axis=1))

    return Step(run, period - 1, follows_itself=False)


#: The step of each function, made of the options with which the function is called.
STEPS: Final[dict[Callable[..., Any], Callable[..., Step]]] = {
    functions.EMA: _ema,
    functions.RMA: _rma,
    functions.ATR: _atr,
    functions.OBV: _obv,
    functions.AD: _ad,
    stochastic: _stochastic,
}
