"""Volatility and volume by the asker's parameters."""

from __future__ import annotations

from typing import Final

import talib

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
from stocks.indicators.on_demand.definition import Definition, Parameter
from stocks.indicators.reductions import mean
from stocks.indicators.risk import atr, volatility


def _atr(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (Kernel(ids, lambda b: (atr(b.high, b.low, b.close, period),)),)


def _natr(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    def run(b: Bars) -> tuple[Array, ...]:
        return (atr(b.high, b.low, b.close, period) / b.close * 100.0,)

    return (Kernel(ids, run),)


def _hv(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period + 1, lambda w: (volatility(w.close),)),)


def _volume_avg(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period, lambda w: (mean(w.volume),)),)


def _obv(ids: tuple[str, ...]) -> tuple[AnyKernel, ...]:
    return (Kernel(ids, lambda b: (talib.OBV(b.close, b.volume),)),)


def _ad_line(ids: tuple[str, ...]) -> tuple[AnyKernel, ...]:
    return (Kernel(ids, lambda b: (talib.AD(b.high, b.low, b.close, b.volume),)),)


def _period(default: int, low: int = 2) -> tuple[Parameter, ...]:
    return (Parameter("period", default, low, 500),)


OTHERS: Final = (
    Definition("atr", "Average true range", _atr, _period(14)),
    Definition("natr", "Average true range, in percent of the close", _natr, _period(14)),
    Definition("hv", "Yearly volatility of log returns, in percent", _hv, _period(20)),
    Definition("volume_avg", "Mean volume", _volume_avg, _period(20)),
    Definition("obv", "On-balance volume", _obv),
    Definition("ad_line", "Accumulation and distribution", _ad_line),
)
