"""The formulas of the technical indicators worked out in 50-digit decimals, straight from their definitions.

Written to be checked by eye and to share nothing with the kernels: no NumPy, no TA-Lib, no running sums.
Every function takes a list, oldest first, and returns a list of the same length with None in the warm-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import pairwise

Values = Sequence[Decimal]
Result = list[Decimal | None]


def sma(values: Values, period: int) -> Result:
    return [
        None if i + 1 < period else sum(values[i + 1 - period : i + 1], Decimal(0)) / period
        for i in range(len(values))
    ]


def ema(values: Values, period: int) -> Result:
    out: Result = [None] * len(values)
    weight = Decimal(2) / (period + 1)
    for i in range(period - 1, len(values)):
        previous = out[i - 1] if i >= period else None
        if previous is None:
            out[i] = sum(values[:period], Decimal(0)) / period
        else:
            out[i] = previous + weight * (values[i] - previous)
    return out


def wilder(values: Values, period: int) -> Result:
    out: Result = [None] * len(values)
    for i in range(period - 1, len(values)):
        previous = out[i - 1] if i >= period else None
        if previous is None:
            out[i] = sum(values[:period], Decimal(0)) / period
        else:
            out[i] = (previous * (period - 1) + values[i]) / period
    return out


def rsi(close: Values, period: int) -> Result:
    changes = [b - a for a, b in pairwise(close)]
    gains = wilder([max(change, Decimal(0)) for change in changes], period)
    losses = wilder([max(-change, Decimal(0)) for change in changes], period)
    out: Result = [None]
    for gain, loss in zip(gains, losses, strict=True):
        if gain is None or loss is None or gain + loss == 0:
            out.append(None)
        else:
            out.append(100 * gain / (gain + loss))
    return out


def macd(close: Values, fast: int, slow: int, signal: int) -> tuple[Result, Result, Result]:
    pairs = list(zip(ema(close, fast), ema(close, slow), strict=True))
    line: Result = [None if a is None or b is None else a - b for a, b in pairs]
    known = [value for value in line if value is not None]
    signals: Result = [*[None] * (len(line) - len(known)), *ema(known, signal)]
    return (
        line,
        signals,
        [None if s is None or v is None else v - s for v, s in zip(line, signals, strict=True)],
    )


def deviation(values: Values, period: int, ddof: int) -> Result:
    out: Result = []
    for i, mean in enumerate(sma(values, period)):
        if mean is None:
            out.append(None)
        else:
            squares = [(value - mean) ** 2 for value in values[i + 1 - period : i + 1]]
            out.append((sum(squares, Decimal(0)) / (period - ddof)).sqrt())
    return out


def atr(high: Values, low: Values, close: Values, period: int) -> Result:
    ranges = [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(close))
    ]
    return [None, *wilder(ranges, period)]


def volatility(close: Values, period: int) -> Result:
    with localcontext(prec=50):
        returns = [(b / a).ln() for a, b in pairwise(close)]
        yearly = Decimal(252).sqrt() * 100
        return [None, *(None if d is None else d * yearly for d in deviation(returns, period, ddof=1))]
