"""Volume and liquidity."""

from __future__ import annotations

from stocks.indicators.bars import Kernel
from stocks.indicators.trend import sma

KERNELS = (
    Kernel(("volume",), lambda b: (b.volume,)),
    Kernel(("volume_avg_20d",), lambda b: (sma(b.volume, 20),)),
    Kernel(("turnover_value",), lambda b: (b.close * b.volume,)),
)
