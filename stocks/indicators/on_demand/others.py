"""Volatility and volume by the asker's parameters."""

from __future__ import annotations

from typing import Final

from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.on_demand.definition import Definition, Parameter
from stocks.indicators.reductions import mean, quotient, total
from stocks.indicators.risk import atr_and_percent, volatility
from stocks.indicators.volume import accumulation, money_flow_index, money_flow_volume, on_balance, vwap
from stocks.indicators.windows import Windows


def _atr(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (ChainKernel(ids, lambda p: atr_and_percent(p, period)[:1]),)


def _natr(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (ChainKernel(ids, lambda p: atr_and_percent(p, period)[1:]),)


def _hv(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period + 1, lambda w: (volatility(w.close),)),)


def _volume_avg(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period, lambda w: (mean(w.volume),)),)


def _mfi(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period + 1, lambda w: (money_flow_index(w),)),)


def _cmf(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    def run(w: Windows) -> tuple[Array, ...]:
        return (quotient(total(money_flow_volume(w)), total(w.volume)),)

    return (WindowKernel(ids, period, run),)


def _vwap(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    return (WindowKernel(ids, period, lambda w: (vwap(w),)),)


def _obv(ids: tuple[str, ...]) -> tuple[AnyKernel, ...]:
    return (ChainKernel(ids, on_balance),)


def _ad_line(ids: tuple[str, ...]) -> tuple[AnyKernel, ...]:
    return (ChainKernel(ids, accumulation),)


def _period(default: int, low: int = 2) -> tuple[Parameter, ...]:
    return (Parameter("period", default, low, 500),)


OTHERS: Final = (
    Definition("atr", "Average true range", _atr, _period(14)),
    Definition("natr", "Average true range, in percent of the close", _natr, _period(14)),
    Definition("hv", "Yearly volatility of log returns, in percent", _hv, _period(20)),
    Definition("volume_avg", "Mean volume", _volume_avg, _period(20)),
    Definition("mfi", "Money flow index", _mfi, _period(14)),
    Definition("cmf", "Chaikin's money flow", _cmf, _period(20)),
    Definition("vwap", "Mean price weighted by volume, over so many bars", _vwap, _period(20, low=1)),
    Definition("obv", "On-balance volume", _obv),
    Definition("ad_line", "Accumulation and distribution", _ad_line),
)
