"""Price changes, the range of a day and of a year, new highs and lows, streaks, total returns."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
from stocks.indicators.reductions import change, highest, lowest
from stocks.indicators.windows import Histories, Windows

#: Trading days of a week, a month, a quarter, half a year and a year.
WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = 5, 21, 63, 126, 252


def change_since_end(close: Array, periods: npt.NDArray[np.int64]) -> Array:
    """The change in percent since the last close of the period before that of the day.

    ``periods`` numbers the period of each day, ascending; NaN through the first one, which has none before.
    """
    begins = np.zeros(len(close), dtype=np.intp)
    starts = np.flatnonzero(periods[1:] != periods[:-1]) + 1
    begins[starts] = starts
    begins = np.maximum.accumulate(begins)
    out = change(close[begins - 1], close)
    out[begins == 0] = np.nan
    return out


def streak(moved: npt.NDArray[np.bool_]) -> Array:
    """How many days in a row up to each day ``moved`` is true, 0 where it is not."""
    place = np.arange(len(moved))
    return (place - np.maximum.accumulate(np.where(moved, -1, place))).astype(np.float64)


def _change(id_: str, bars: int, *, until: int = 0) -> WindowKernel:
    def run(window: Windows) -> tuple[Array, ...]:
        return (change(window.close[..., 0], window.close[..., bars - until]),)

    return WindowKernel((id_,), bars + 1, run)


def _total_return(id_: str, bars: int) -> WindowKernel:
    return WindowKernel((id_,), bars + 1, lambda w: (change(w.total[..., 0], w.total[..., -1]),))


def _calendar(bars: Bars) -> tuple[Array, ...]:
    if not len(bars) or np.isnat(bars.days[0]):
        return np.full(len(bars), np.nan), np.full(len(bars), np.nan)
    months = bars.days.astype("datetime64[M]").view(np.int64)  # since January 1970
    return change_since_end(bars.close, months // 12), change_since_end(bars.close, months)


def _calendar_scan(histories: Histories, count: int) -> tuple[Array, ...]:
    days, close = histories.days, histories.close
    width = days.shape[1]
    first = (~np.isnat(days)).argmax(axis=1)[:, np.newaxis]
    last = days[:, -count:]

    def since(period: str) -> Array:
        starts = last.astype(f"datetime64[{period}]").astype("datetime64[D]")
        out = np.full(last.shape, np.nan)
        for column in range(count):
            # The days of the period are the last so many up to the day itself.
            within = (days >= starts[:, column, np.newaxis])[:, : width - count + column + 1].sum(axis=1)
            before = width - count + column - within
            known = (before >= first[:, 0]) & (within > 0)
            rows = np.flatnonzero(known)
            out[rows, column] = change(close[rows, before[rows]], close[rows, width - count + column])
        return out

    return since("Y"), since("M")


def _since_open(window: Windows) -> tuple[Array, ...]:
    return (change(window.open[..., -1], window.close[..., -1]),)


def _day(window: Windows) -> tuple[Array, ...]:
    """Gap and range of the last day, in percent of the close before it."""
    before, opened = window.close[..., -2], window.open[..., -1]
    spread = (window.high[..., -1] - window.low[..., -1]) / before * 100.0
    return change(before, opened), np.where(np.isnan(opened), np.nan, spread)


def _year_range(window: Windows) -> tuple[Array, ...]:
    high, low, close = highest(window.high), lowest(window.low), window.close[..., -1]
    since = window.high[..., ::-1].argmax(axis=-1).astype(np.float64)
    return high, low, change(high, close), change(low, close), since


def _extremes(period: str, bars: int) -> WindowKernel:
    def run(window: Windows) -> tuple[Array, ...]:
        new_high = window.high[..., -1] > highest(window.high[..., :-1])
        new_low = window.low[..., -1] < lowest(window.low[..., :-1])
        return new_high.astype(np.float64), new_low.astype(np.float64)

    return WindowKernel((f"new_high_{period}", f"new_low_{period}"), bars, run)


def _all_time(bars: Bars) -> tuple[Array, ...]:
    top = np.maximum.accumulate(bars.high)
    return top, change(top, bars.close)


def _all_time_scan(histories: Histories, count: int) -> tuple[Array, ...]:
    high, close = histories.high, histories.close[:, -count:]
    top = high[:, -count:].copy()
    top[:, 0] = np.fmax.reduce(high[:, : high.shape[1] - count + 1], axis=1)
    top = np.where(np.isnan(close), np.nan, np.fmax.accumulate(top, axis=1))
    return top, change(top, close)


def _streaks(bars: Bars) -> tuple[Array, ...]:
    up, down = np.zeros((2, len(bars)), dtype=bool)
    np.greater(bars.close[1:], bars.close[:-1], out=up[1:])
    np.less(bars.close[1:], bars.close[:-1], out=down[1:])
    rising, falling = streak(up), streak(down)
    rising[:1] = falling[:1] = np.nan  # the first bar has none to compare with
    return rising, falling


def _streaks_scan(histories: Histories, count: int) -> tuple[Array, ...]:
    close = histories.close
    width = close.shape[1]
    up, down = np.zeros((2, *close.shape), dtype=np.bool_)
    # Before the first bar there is nothing to compare with, and NaN is neither above nor below.
    np.greater(close[:, 1:], close[:, :-1], out=up[:, 1:])
    np.less(close[:, 1:], close[:, :-1], out=down[:, 1:])
    out = np.empty((2, len(close), count))
    for found, moved in zip(out, (up, down), strict=True):
        for column in range(count):
            end = width - count + column + 1
            # The first day of all never moves, so there is one to find.
            found[:, column] = (~moved[:, :end])[:, ::-1].argmax(axis=1)
    has_before = np.zeros((len(close), count), dtype=np.bool_)
    known = ~np.isnan(close)
    for column in range(count):
        end = width - count + column
        if end:
            has_before[:, column] = known[:, end - 1] & known[:, end]
    out[:, ~has_before] = np.nan
    return out[0], out[1]


KERNELS: Final[tuple[AnyKernel, ...]] = (
    _change("change_1d", 1),
    _change("change_1w", WEEK),
    _change("change_1m", MONTH),
    _change("change_3m", QUARTER),
    _change("change_6m", HALF_YEAR),
    _change("change_1y", YEAR),
    _change("change_3y", 3 * YEAR),
    _change("change_5y", 5 * YEAR),
    Kernel(("change_ytd", "change_mtd"), _calendar, scan=_calendar_scan),
    WindowKernel(("change_since_open",), 1, _since_open),
    WindowKernel(("gap_pct", "range_pct"), 2, _day),
    WindowKernel(
        ("high_52w", "low_52w", "dist_high_52w", "dist_low_52w", "days_since_high_52w"), YEAR, _year_range
    ),
    _extremes("20d", 20),
    _extremes("52w", YEAR),
    Kernel(("ath", "dist_ath"), _all_time, scan=_all_time_scan),
    Kernel(("up_streak", "down_streak"), _streaks, scan=_streaks_scan),
    _total_return("tr_1y", YEAR),
    _total_return("tr_3y", 3 * YEAR),
    _change("mom_12_1", YEAR, until=MONTH),
    _change("mom_6_1", HALF_YEAR, until=MONTH),
)
