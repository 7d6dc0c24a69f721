"""Where values stand in the range of the last few of their own kind."""

from __future__ import annotations

import numpy as np

from stocks.indicators import functions
from stocks.indicators.bars import Array
from stocks.indicators.reductions import ROUNDING


def stochastic(values: Array, *, period: int) -> Array:
    """Where each value, 0 to 100, stands in the range of the last ``period``, 0 to 100.

    NaN where they are all equal up to rounding: of a stock that stands still the index does so too.
    """
    lowest = functions.MIN(values, timeperiod=period)
    return place(values, lowest, functions.MAX(values, timeperiod=period))


def place(values: Array, lowest: Array, highest: Array) -> Array:
    """Where each value, 0 to 100, stands between its lowest and its highest."""
    spread = highest - lowest
    spread[spread <= 100.0 * ROUNDING] = np.nan
    return (values - lowest) / spread * 100.0
