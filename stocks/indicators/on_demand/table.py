"""Every name that can be asked for."""

from __future__ import annotations

from typing import Final

from stocks.indicators import bands, directional, ichimoku, oscillators, strength, trend
from stocks.indicators.on_demand.definition import Definition, Parameter
from stocks.indicators.on_demand.others import OTHERS

#: The longest period of an average or a window: two years of sessions.
_LONGEST: Final = 500


def _bars(name: str, default: int, low: int = 2) -> Parameter:
    return Parameter(name, default, low, _LONGEST)


def _period(default: int) -> tuple[Parameter, ...]:
    return (_bars("period", default),)


def _width(name: str, default: float) -> Parameter:
    return Parameter(name, default, 0.1, 10.0, whole=False)


_MACD: Final = (_bars("fast", 12), _bars("slow", 26), _bars("signal", 9))
_LINES: Final = ("line", "signal", "histogram")
_BAND: Final = ("upper", "middle", "lower")

_TREND: Final = (
    Definition("sma", "Simple moving average", trend.sma_kernels, _period(20)),
    Definition("ema", "Exponential moving average", trend.ema_kernels, _period(20)),
    Definition("wma", "Linearly weighted moving average", trend.wma_kernels, _period(20)),
    Definition("hma", "Hull's moving average", trend.hma_kernels, _period(20)),
    Definition("dist_sma", "Close above its average, in percent", trend.distance_kernels, _period(20)),
    Definition("macd", "MACD", trend.macd_kernels, _MACD, _LINES, ("fast", "slow")),
    Definition(
        "adx",
        "Directional movement",
        directional.adx_kernels,
        _period(14),
        ("adx", "plus_di", "minus_di"),
    ),
    Definition(
        "psar",
        "Parabolic stop and reverse",
        directional.psar_kernels,
        (Parameter("step", 0.02, 0.001, 1.0, whole=False), Parameter("most", 0.2, 0.001, 1.0, whole=False)),
        ascending=("step", "most"),
    ),
    Definition(
        "supertrend",
        "Supertrend",
        directional.supertrend_kernels,
        (_bars("period", 10), _width("width", 3.0)),
        ("line", "direction"),
    ),
    Definition("aroon", "Aroon", directional.aroon_kernels, _period(14), ("up", "down")),
    Definition(
        "ichimoku",
        "Ichimoku; the spans are those drawn at the bar",
        ichimoku.ichimoku_kernels,
        (_bars("turning", 9), _bars("base", 26), _bars("span", 52), _bars("ahead", 26, low=0)),
        ("tenkan", "kijun", "span_a", "span_b"),
    ),
)
_OSCILLATORS: Final = (
    Definition("rsi", "Relative strength index", strength.rsi_kernels, _period(14)),
    Definition(
        "stochrsi",
        "Place of the relative strength index in its range",
        strength.stochrsi_kernels,
        (_bars("period", 14), _bars("window", 14)),
    ),
    Definition(
        "stoch",
        "Slow stochastic",
        oscillators.stoch_kernels,
        (_bars("period", 14), _bars("smooth", 3, low=1), _bars("signal", 3, low=1)),
        ("k", "d"),
    ),
    Definition("williams_r", "Williams %R", oscillators.williams_kernels, _period(14)),
    Definition("cci", "Commodity channel index", oscillators.cci_kernels, _period(20)),
    Definition("roc", "Rate of change, in percent", oscillators.roc_kernels, (_bars("period", 12, low=1),)),
    Definition(
        "momentum", "Change of the close", oscillators.momentum_kernels, (_bars("period", 10, low=1),)
    ),
    Definition("trix", "Change of a triple average, in percent", strength.trix_kernels, _period(15)),
    Definition("ppo", "MACD in percent", strength.ppo_kernels, _MACD, _LINES, ("fast", "slow")),
    Definition("tsi", "True strength index", strength.tsi_kernels, (_bars("slow", 25), _bars("fast", 13))),
    Definition(
        "ultimate_osc",
        "Ultimate oscillator",
        oscillators.ultimate_kernels,
        (_bars("short", 7), _bars("middle", 14), _bars("long", 28)),
        ascending=("short", "middle", "long"),
    ),
    Definition(
        "awesome_osc",
        "Awesome oscillator",
        oscillators.awesome_kernels,
        (_bars("fast", 5), _bars("slow", 34)),
        ascending=("fast", "slow"),
    ),
    Definition("linreg_slope", "Slope of the closes", oscillators.slope_kernels, _period(20)),
    Definition(
        "bbands",
        "Bollinger bands",
        bands.bollinger_kernels,
        (_bars("period", 20), _width("width", 2.0)),
        (*_BAND, "percent_b", "bandwidth"),
    ),
    Definition(
        "keltner",
        "Keltner channel",
        bands.keltner_kernels,
        (_bars("period", 20), _width("width", 2.0), _bars("range_period", 10)),
        _BAND,
    ),
    Definition("donchian", "Donchian channel", bands.donchian_kernels, _period(20), _BAND),
    Definition(
        "squeeze",
        "1 where the Bollinger bands lie inside the channel of mean true ranges",
        bands.squeeze_kernels,
        (_bars("period", 20), _width("band_width", 2.0), _width("channel_width", 1.5)),
    ),
)

#: Every definition by name.
DEFINITIONS: Final[dict[str, Definition]] = {
    definition.name: definition for definition in (*_TREND, *_OSCILLATORS, *OTHERS)
}
