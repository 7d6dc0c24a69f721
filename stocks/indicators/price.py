"""Price changes and the 52-week range."""

from __future__ import annotations

from typing import Final

from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, WindowKernel
from stocks.indicators.reductions import change, highest, lowest
from stocks.indicators.windows import Windows

#: Trading days of a week, a month, a quarter, half a year and a year.
WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = 5, 21, 63, 126, 252


def _change(id_: str, bars: int, *, until: int = 0) -> WindowKernel:
    def run(window: Windows) -> tuple[Array, ...]:
        return (change(window.close[..., 0], window.close[..., bars - until]),)

    return WindowKernel((id_,), bars + 1, run)


def _range(window: Windows) -> tuple[Array, ...]:
    high, low, close = highest(window.high), lowest(window.low), window.close[..., -1]
    return high, low, change(high, close), change(low, close)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    _change("change_1d", 1),
    _change("change_1w", WEEK),
    _change("change_1m", MONTH),
    _change("change_3m", QUARTER),
    _change("change_6m", HALF_YEAR),
    _change("change_1y", YEAR),
    WindowKernel(("high_52w", "low_52w", "dist_high_52w", "dist_low_52w"), YEAR, _range),
    _change("mom_12_1", YEAR, until=MONTH),
    _change("mom_6_1", HALF_YEAR, until=MONTH),
)
