"""Volume and liquidity."""

from __future__ import annotations

from typing import Final

from stocks.indicators.kernels import AnyKernel, WindowKernel
from stocks.indicators.reductions import mean

KERNELS: Final[tuple[AnyKernel, ...]] = (
    WindowKernel(("volume",), 1, lambda w: (w.volume[..., -1],)),
    WindowKernel(("volume_avg_20d",), 20, lambda w: (mean(w.volume),)),
    WindowKernel(("turnover_value",), 1, lambda w: (w.close[..., -1] * w.volume[..., -1],)),
)
