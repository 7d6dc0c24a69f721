"""Every indicator that follows from bars alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from stocks.indicators import oscillators, price, risk, trend, volume
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import Prices, chains
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

#: So many whole histories are worked on at once: more would not stay in the processor's cache.
BLOCK: Final = 64
#: What each chain of values is made of, in the order in which what they leave is laid out.
CHAINS: Final = chains([kernel.run for kernel in KERNELS if isinstance(kernel, ChainKernel) and kernel.steps])
#: How many values are left of a stock.
LEFT: Final = sum(width for _, width in CHAINS)
_NEEDS: Final = frozenset(kernel.needs for kernel in KERNELS if isinstance(kernel, WindowKernel))


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
    return recent_and_left(chunk, count)[0]


def recent_and_left(chunk: Sequence[Bars], count: int) -> tuple[Array, Array]:
    """The same, and what to go on from when a bar comes: (stocks, LEFT), NaN where there is nothing yet."""
    return _ends(chunk, count, None)


def next_and_left(chunk: Sequence[Bars], left: Array) -> tuple[Array, Array]:
    """The same of the last bar, from what was left at the bar before: (stocks, LEFT), all of it finite."""
    return _ends(chunk, 1, left)


def _ends(chunk: Sequence[Bars], count: int, known: Array | None) -> tuple[Array, Array]:
    lengths = np.array([len(bars) for bars in chunk], dtype=np.int64)
    # With the longest first, the stocks that have enough bars for a kernel are the first so many rows.
    order = np.argsort(-lengths, kind="stable")
    lengths, chunk = lengths[order], [chunk[i] for i in order]
    longest = int(lengths.max(initial=0))
    # No wider than what the kernels take that have a stock with bars enough.
    width = min(longest, max((needs for needs in _NEEDS if needs <= longest), default=0) + count - 1)
    aligned = Windows.aligned(chunk, width)
    found, left = np.full((len(chunk), count, len(SERIES_IDS)), np.nan), np.full((len(chunk), LEFT), np.nan)
    listed = [bars for bars in chunk if len(bars)]
    if listed:
        there = min(count, int(lengths[0]))
        blocks = [listed[at : at + BLOCK] for at in range(0, len(listed), BLOCK)]
        histories = [Histories.of(block, there) for block in blocks]
        whole = [Prices.joined(block, there) for block in blocks]
        steps = whole if known is None else [Prices.stepped(listed, known[order])]
        first = 0
        for kernel in KERNELS:
            part = found[:, :, first : first + len(kernel.ids)]
            if isinstance(kernel, WindowKernel):
                _fill_windows(kernel, aligned, lengths, part)
            else:
                if isinstance(kernel, ChainKernel):
                    runs = [kernel.run(prices) for prices in (steps if kernel.steps else whole)]
                else:
                    runs = [kernel.scan(block, there) for block in histories]
                for column, values in enumerate(zip(*runs, strict=True)):
                    part[: len(listed), count - there :, column] = np.concatenate(values)
            first += len(kernel.ids)
        left[: len(listed)] = np.concatenate([prices.left() for prices in steps])
    back = np.argsort(order)
    return found[back], left[back]


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
