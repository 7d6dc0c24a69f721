"""The bars of one stock as the kernels take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bars:
    """Split-adjusted daily bars, oldest first: contiguous float64 arrays of one length, without NaN.

    A suspended day has only a carried close, and TA-Lib carries one NaN through the rest of a series, so
    :meth:`of` puts the close where open, high or low is missing: the day then has a range of 0 around it.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array

    @classmethod
    def of(cls, open_: Array, high: Array, low: Array, close: Array, volume: Array) -> Bars:
        """Bars from arrays where open, high and low may be NaN.

        Raises:
            ValueError: the lengths differ, a close is not a positive number, or a volume is unknown.
        """
        close = np.ascontiguousarray(close, dtype=np.float64)
        volume = np.ascontiguousarray(volume, dtype=np.float64)
        if any(column.shape != close.shape for column in (open_, high, low, volume)):
            raise ValueError("The columns of bars must have one length")
        if not (np.isfinite(close).all() and (close > 0).all()):
            raise ValueError("Every bar needs a positive close")
        if not np.isfinite(volume).all():
            raise ValueError("Every bar needs a volume")

        def filled(column: Array) -> Array:
            return np.where(np.isnan(column), close, np.asarray(column, dtype=np.float64))

        return cls(filled(open_), filled(high), filled(low), close, volume)

    def __len__(self) -> int:
        return len(self.close)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One function of bars and the catalogue ids of the series that it returns, in order."""

    ids: tuple[str, ...]
    run: Callable[[Bars], tuple[Array, ...]]
