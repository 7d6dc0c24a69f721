"""Every indicator that follows from bars alone."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import oscillators, price, risk, trend, volume
from stocks.indicators.bars import Array, Bars, Kernel

KERNELS: Final[tuple[Kernel, ...]] = (
    *price.KERNELS,
    *volume.KERNELS,
    *trend.KERNELS,
    *oscillators.KERNELS,
    *risk.KERNELS,
)
#: The ids of :func:`series`, in its order.
SERIES_IDS: Final[tuple[str, ...]] = tuple(id_ for kernel in KERNELS for id_ in kernel.ids)


def series(bars: Bars) -> dict[str, Array]:
    """Every bar indicator by id: one array as long as the bars each, NaN through its warm-up."""
    return {
        id_: values for kernel in KERNELS for id_, values in zip(kernel.ids, kernel.run(bars), strict=True)
    }


def latest(bars: Bars) -> Array:
    """The last value of every series, in the order of SERIES_IDS; NaN where it is unknown."""
    if not len(bars):
        return np.full(len(SERIES_IDS), np.nan)
    return np.array([values[-1] for kernel in KERNELS for values in kernel.run(bars)])
