"""The price level of the United States, which Ohlson's size is measured against."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array

_FIRST_YEAR: Final = 2000
#: GDP implicit price deflator of each year from _FIRST_YEAR on, 2017 = 100: Bureau of Economic Analysis,
#: NIPA table 1.1.9 (FRED A191RD3A086NBEA). A year that is missing counts as the last one known.
_DEFLATOR: Final = np.array(
    [
        *(72.722, 74.360, 75.515, 77.006, 79.077, 81.556, 84.071, 86.349, 88.013, 88.556),
        *(89.632, 91.481, 93.185, 94.771, 96.421, 97.316, 98.241, 100.000, 102.291, 103.979),
        *(105.361, 110.172, 118.026, 122.273, 125.230),
    ]
)
_OF_1968: Final = 18.280


def price_index(days: npt.NDArray[np.datetime64]) -> Array:
    """The price level of the year before each day, 1968 = 100; NaN before the table begins."""
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970 - 1
    place = np.clip(year - _FIRST_YEAR, 0, len(_DEFLATOR) - 1)
    return np.where(year < _FIRST_YEAR, np.nan, _DEFLATOR[place] / _OF_1968 * 100.0)
