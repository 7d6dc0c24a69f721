"""TA-Lib's functions as they are, without the wrapper that looks for pandas and polars in each call.

The wrapper takes longer than a function does over two years of bars. All of these take and give contiguous
float64 arrays of one stock.
"""

from __future__ import annotations

from inspect import unwrap
from typing import Final

import talib

#: Of the wrapper and of the library.
VERSION: Final = f"TA-Lib {talib.__version__} {talib.__ta_version__.decode()}"

AD = unwrap(talib.AD)
ATR = unwrap(talib.ATR)
EMA = unwrap(talib.EMA)
MAX = unwrap(talib.MAX)
MIN = unwrap(talib.MIN)
OBV = unwrap(talib.OBV)
RMA = unwrap(talib.RMA)
SAR = unwrap(talib.SAR)
SUPERTREND = unwrap(talib.SUPERTREND)
TRANGE = unwrap(talib.TRANGE)
