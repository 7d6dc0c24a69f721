"""Ichimoku: middles of the range, and the cloud that was drawn ahead of them."""

from __future__ import annotations

from typing import Final

from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, WindowKernel
from stocks.indicators.reductions import highest, lowest
from stocks.indicators.windows import Windows


def middle(w: Windows, period: int, *, ago: int = 0) -> Array:
    """The middle between the highest high and the lowest low of ``period`` bars, ``ago`` bars ago."""
    end = w.high.shape[-1] - ago
    last = slice(end - period, end)
    return (highest(w.high[..., last]) + lowest(w.low[..., last])) / 2.0


def ichimoku_kernels(
    ids: tuple[str, ...], turning: int, base: int, span: int, ahead: int
) -> tuple[AnyKernel, ...]:
    """Tenkan, kijun, and spans A and B of the cloud at the bar, which were drawn ``ahead`` bars before."""
    tenkan, kijun, span_a, span_b = ids

    def cloud(w: Windows) -> tuple[Array, ...]:
        return ((middle(w, turning, ago=ahead) + middle(w, base, ago=ahead)) / 2.0,)

    return (
        WindowKernel((tenkan,), turning, lambda w: (middle(w, turning),)),
        WindowKernel((kijun,), base, lambda w: (middle(w, base),)),
        WindowKernel((span_a,), max(turning, base) + ahead, cloud),
        WindowKernel((span_b,), span + ahead, lambda w: (middle(w, span, ago=ahead),)),
    )


KERNELS: Final[tuple[AnyKernel, ...]] = ichimoku_kernels(
    ("ichimoku_tenkan", "ichimoku_kijun", "ichimoku_span_a", "ichimoku_span_b"), 9, 26, 52, 26
)
