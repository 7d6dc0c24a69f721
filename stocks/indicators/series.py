"""Every indicator that follows from bars alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from stocks.indicators import oscillators, price, risk, trend, volume
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import Prices
from stocks.indicators.windows import Histories, Windows

KERNELS: Final[tuple[AnyKernel, ...]] = (
    *price.KERNELS,
    *volume.KERNELS,
    *trend.KERNELS,
    *oscillators.KERNELS,
    *risk.KERNELS,
)
#: The ids of :func:`series`, in its order.
SERIES_IDS: Final[tuple[str, ...]] = tuple(id_ for kernel in KERNELS for id_ in kernel.ids)

#: Stocks that are laid end to end for one run: more would not stay in the processor's cache.
JOINED: Final = 64
_LONGEST: Final = max(kernel.needs for kernel in KERNELS if isinstance(kernel, WindowKernel))


def series(bars: Bars) -> dict[str, Array]:
    """Every bar indicator by id: one array as long as the bars each, NaN through its warm-up."""
    return {
        id_: values for kernel in KERNELS for id_, values in zip(kernel.ids, kernel.series(bars), strict=True)
    }


def latest(chunk: Sequence[Bars]) -> Array:
    """The last value of every series of each stock: (stocks, SERIES_IDS), NaN where it is unknown."""
    return recent(chunk, 1)[:, 0]


def recent(chunk: Sequence[Bars], count: int) -> Array:
    """The last ``count`` values of every series of each stock: (stocks, count, SERIES_IDS), oldest first.

    NaN where a value is unknown, and for the days before a stock's first bar.
    """
    lengths = np.array([len(bars) for bars in chunk], dtype=np.int64)
    # With the longest first, the stocks that have enough bars for a kernel are the first so many rows.
    order = np.argsort(-lengths, kind="stable")
    lengths, chunk = lengths[order], [chunk[i] for i in order]
    width = min(int(lengths.max(initial=0)), _LONGEST + count - 1)
    aligned = Windows.aligned(chunk, width)
    found = np.full((len(chunk), count, len(SERIES_IDS)), np.nan)
    listed = [bars for bars in chunk if len(bars)]
    if not listed:
        return found
    there = min(count, int(lengths[0]))
    histories = Histories.of(listed)
    prices = [Prices.joined(listed[at : at + JOINED], there) for at in range(0, len(listed), JOINED)]
    first = 0
    for kernel in KERNELS:
        part = found[:, :, first : first + len(kernel.ids)]
        if isinstance(kernel, WindowKernel):
            _fill_windows(kernel, aligned, lengths, part)
        else:
            if isinstance(kernel, ChainKernel):
                ends = [np.concatenate(of) for of in zip(*map(kernel.run, prices), strict=True)]
            else:
                ends = list(kernel.scan(histories, there))
            for column, values in enumerate(ends):
                part[: len(listed), count - there :, column] = values
        first += len(kernel.ids)
    out = np.empty_like(found)
    out[order] = found
    return out


def _fill_windows(kernel: WindowKernel, aligned: Windows, lengths: np.ndarray, out: Array) -> None:
    count = out.shape[1]
    for back in range(count):
        rows = int((lengths >= kernel.needs + back).sum())
        if not rows:
            return
        end = aligned.close.shape[1] - back
        windows = aligned.cut(slice(rows), slice(end - kernel.needs, end))
        for column, values in enumerate(kernel.run(windows)):
            out[:rows, count - 1 - back, column] = values
