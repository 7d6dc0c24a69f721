"""The bars of one stock as the kernels take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Bars:
    """Split-adjusted daily bars, oldest first: contiguous arrays of one length.

    A suspended day has only a carried close, and TA-Lib carries one NaN through the rest of a series, so
    :meth:`of` puts the close where high or low is missing: the day then has a range of 0 around it. ``open``
    goes into no average: it stays NaN, and tells that a day had none.

    ``days`` are the sessions, all NaT if unknown. The last three may be NaN: ``total`` is the close adjusted
    for splits and dividends, ``market`` the level of the market's benchmark on the same days, ``shares`` the
    number of shares outstanding, in the split basis of the volumes.
    """

    days: Days
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    total: Array
    market: Array
    shares: Array

    @classmethod
    def of(
        cls,
        open_: Array,
        high: Array,
        low: Array,
        close: Array,
        volume: Array,
        *,
        days: Days | None = None,
        total: Array | None = None,
        market: Array | None = None,
        shares: Array | None = None,
        starts: npt.NDArray[np.int64] | None = None,
    ) -> Bars:
        """Bars from arrays where open, high and low may be NaN; a column that is not given is unknown.

        Args:
            starts: where further stocks begin, when the bars of several lie end to end; see :meth:`parted`.

        Raises:
            ValueError: the lengths differ, a close is not a positive number, a volume is unknown, one of the
                last three columns is neither positive nor NaN, or the days do not ascend.
        """
        close = np.ascontiguousarray(close, dtype=np.float64)
        volume = np.ascontiguousarray(volume, dtype=np.float64)
        # A NaN makes either end NaN, which no comparison holds for.
        if len(close) and not (close.min() > 0.0 and close.max() < np.inf):
            raise ValueError("Every bar needs a positive close")
        if len(volume) and not (volume.min() > -np.inf and volume.max() < np.inf):
            raise ValueError("Every bar needs a volume")

        def filled(column: Array) -> Array:
            return np.where(np.isnan(column), close, np.asarray(column, dtype=np.float64))

        def given(column: Array | None) -> Array:
            if column is None:
                return np.full(len(close), np.nan)
            low, high = np.fmin.reduce(column, initial=1.0), np.fmax.reduce(column, initial=1.0)
            if not (low > 0.0 and high < np.inf):
                raise ValueError("A level of these bars is neither positive nor unknown")
            return np.ascontiguousarray(column, dtype=np.float64)

        if days is None:
            days = np.full(len(close), np.datetime64("NaT", "D"))
        else:
            ascends = days[1:] > days[:-1]
            if starts is not None:
                ascends[starts - 1] = True
            if not ascends.all():
                raise ValueError("The bars must be sorted by day, each day once")
        extra = [given(column) for column in (total, market, shares)]
        if any(column.shape != close.shape for column in (days, open_, high, low, volume, *extra)):
            raise ValueError("The columns of bars must have one length")
        opened = np.ascontiguousarray(open_, dtype=np.float64)
        return cls(days.astype("datetime64[D]"), opened, filled(high), filled(low), close, volume, *extra)

    def parted(self, starts: npt.NDArray[np.int64]) -> list[Bars]:
        """The bars of each stock, where those of several lie end to end and all but the first start here."""
        columns = [getattr(self, name) for name in self.__slots__]
        bounds = zip([0, *starts.tolist()], [*starts.tolist(), len(self)], strict=True)
        return [Bars(*[column[first:end] for column in columns]) for first, end in bounds]

    def __len__(self) -> int:
        return len(self.close)
