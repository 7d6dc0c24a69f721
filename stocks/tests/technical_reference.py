"""Trend, oscillators and bands in decimals, bar by bar from their definitions.

Like ``indicator_reference``: no NumPy, no TA-Lib, no running sums, a list with None in the warm-up for every
catalogue id of the two groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from stocks.tests.indicator_reference import (
    Result,
    Values,
    atr,
    deviation,
    ema,
    macd,
    rsi,
    sma,
    wilder,
)

ZERO, HUNDRED = Decimal(0), Decimal(100)


@dataclass(frozen=True)
class Prices:
    high: Values
    low: Values
    close: Values

    @property
    def typical(self) -> list[Decimal]:
        return [(h + lo + c) / 3 for h, lo, c in zip(self.high, self.low, self.close, strict=True)]

    @property
    def middles(self) -> list[Decimal]:
        return [(h + lo) / 2 for h, lo in zip(self.high, self.low, strict=True)]


def last(values: Values, i: int, period: int) -> Values:
    return values[i + 1 - period : i + 1]


def every(length: int, needs: int, of: Callable[[int], Decimal | None]) -> Result:
    """``of(i)`` from the bar on that has ``needs`` bars up to it."""
    return [of(i) if i + 1 >= needs else None for i in range(length)]


def known(values: Result, of: Callable[[Values], Result]) -> Result:
    """``of`` the values after the warm-up, put back behind it."""
    rest = [value for value in values if value is not None]
    return [*[None] * (len(values) - len(rest)), *of(rest)]


def both(a: Result, b: Result, of: Callable[[Decimal, Decimal], Decimal | None]) -> Result:
    return [None if x is None or y is None else of(x, y) for x, y in zip(a, b, strict=True)]


def over(x: Decimal, y: Decimal) -> Decimal | None:
    return None if y == 0 else x / y * HUNDRED


def wma(values: Values, period: int) -> Result:
    weights = range(1, period + 1)

    def at(i: int) -> Decimal:
        window = last(values, i, period)
        return sum((w * v for w, v in zip(weights, window, strict=True)), ZERO) / sum(weights)

    return every(len(values), period, at)


def hma(values: Values, period: int, half: int, root: int) -> Result:
    inner = both(wma(values, half), wma(values, period), lambda fast, slow: 2 * fast - slow)
    return known(inner, lambda rest: wma(rest, root))


def cross(close: Values) -> Result:
    sides = both(sma(close, 50), sma(close, 200), lambda fast, slow: fast - slow)

    def at(i: int) -> Decimal:
        before, now = sides[i - 1], sides[i]
        assert before is not None and now is not None
        if now > 0 >= before:
            return Decimal(1)
        return Decimal(-1) if now < 0 <= before else ZERO

    return every(len(close), 201, at)


def days_since_golden_cross(close: Values) -> Result:
    out: Result = []
    for crossed in cross(close):
        since = out[-1] if out else None
        out.append(ZERO if crossed == 1 else None if since is None else since + 1)
    return out


def directional(p: Prices, period: int) -> tuple[Result, Result, Result]:
    moves = [(p.high[i] - p.high[i - 1], p.low[i - 1] - p.low[i], i) for i in range(1, len(p.close))]
    plus = wilder([up if up > down and up > 0 else ZERO for up, down, _ in moves], period)
    minus = wilder([down if down > up and down > 0 else ZERO for up, down, _ in moves], period)
    ranges = atr(p.high, p.low, p.close, period)
    di_plus, di_minus = both([None, *plus], ranges, over), both([None, *minus], ranges, over)
    dx = both(di_plus, di_minus, lambda x, y: ZERO if x + y == 0 else over(abs(x - y), x + y))
    return known(dx, lambda rest: wilder(rest, period)), di_plus, di_minus


def psar(p: Prices, step: Decimal, most: Decimal) -> Result:
    high, low = p.high, p.low
    down, up = low[0] - low[1], high[1] - high[0]
    rising = not (down > 0 and down > up)
    stop, extreme, factor = (low[0], high[1], step) if rising else (high[0], low[1], step)
    out: Result = [None]
    for i in range(1, len(high)):
        touched = low[i] <= stop if rising else high[i] >= stop
        if touched:
            rising, factor = not rising, step
            beyond = min if rising else max
            pair = low[i - 1 : i + 1] if rising else high[i - 1 : i + 1]
            stop = beyond(extreme, *pair)
            out.append(stop)
            extreme = high[i] if rising else low[i]
        else:
            out.append(stop)
            if high[i] > extreme if rising else low[i] < extreme:
                extreme, factor = (high[i] if rising else low[i]), min(factor + step, most)
        stop += factor * (extreme - stop)
        stop = min(stop, *low[i - 1 : i + 1]) if rising else max(stop, *high[i - 1 : i + 1])
    return out


def supertrend(p: Prices, period: int, width: Decimal) -> Result:
    out: Result = []
    upper = lower = ZERO
    rising, started = True, False
    for i, (middle, reach) in enumerate(zip(p.middles, atr(p.high, p.low, p.close, period), strict=True)):
        if reach is None:
            out.append(None)
            continue
        above, below = middle + width * reach, middle - width * reach
        if not started:
            upper, lower, started = above, below, True
        else:
            upper = above if above < upper or p.close[i - 1] > upper else upper
            lower = below if below > lower or p.close[i - 1] < lower else lower
            rising = p.close[i] >= lower if rising else p.close[i] > upper
        out.append(lower if rising else upper)
    return out


def aroon(values: Values, period: int, best: Callable[[Values], Decimal]) -> Result:
    def at(i: int) -> Decimal:
        window = list(last(values, i, period + 1))
        since = window[::-1].index(best(window))
        return HUNDRED * (period - since) / period

    return every(len(values), period + 1, at)


def middle(p: Prices, period: int) -> Result:
    return every(
        len(p.close), period, lambda i: (max(last(p.high, i, period)) + min(last(p.low, i, period))) / 2
    )


def later(values: Result, bars: int) -> Result:
    return [*[None] * bars, *values[:-bars]]


def place(values: Values, highs: Values, lows: Values, period: int) -> Result:
    def at(i: int) -> Decimal | None:
        low, high = min(last(lows, i, period)), max(last(highs, i, period))
        return over(values[i] - low, high - low)

    return every(len(values), period, at)


def cci(p: Prices, period: int) -> Result:
    typical = p.typical

    def at(i: int) -> Decimal | None:
        window = last(typical, i, period)
        mean = sum(window, ZERO) / period
        size = sum((abs(value - mean) for value in window), ZERO) / period
        return None if size == 0 else (typical[i] - mean) / (Decimal("0.015") * size)

    return every(len(typical), period, at)


def trix(close: Values, period: int) -> Result:
    smooth: Result = list(close)
    for _ in range(3):
        smooth = known(smooth, lambda rest: ema(rest, period))
    return both([None, *smooth[:-1]], smooth, lambda before, now: over(now - before, before))


def tsi(close: Values, slow: int, fast: int) -> Result:
    moves = [b - a for a, b in pairwise(close)]

    def smooth(values: Values) -> Result:
        return known(ema(values, slow), lambda rest: ema(rest, fast))

    return [None, *both(smooth(moves), smooth([abs(move) for move in moves]), over)]


def ultimate(p: Prices) -> Result:
    bars = list(zip(p.high, p.low, p.close, strict=True))
    pressure = [ZERO, *(c - min(lo, before) for (_, _, before), (_, lo, c) in pairwise(bars))]
    ranges = [ZERO, *(max(h, before) - min(lo, before) for (_, _, before), (h, lo, _) in pairwise(bars))]

    def at(i: int) -> Decimal:
        a, b, c = (sum(last(pressure, i, n), ZERO) / sum(last(ranges, i, n), ZERO) for n in (7, 14, 28))
        return HUNDRED * (4 * a + 2 * b + c) / 7

    return every(len(bars), 29, at)


def slope(values: Values, period: int) -> Result:
    """The usual sums: (n Σxy − Σx Σy) / (n Σx² − (Σx)²)."""
    xs = range(period)

    def at(i: int) -> Decimal:
        ys = last(values, i, period)
        xy = sum((x * y for x, y in zip(xs, ys, strict=True)), ZERO)
        return (period * xy - sum(xs) * sum(ys, ZERO)) / (period * sum(x * x for x in xs) - sum(xs) ** 2)

    return every(len(values), period, at)


def squeeze(p: Prices) -> Result:
    ranges = [
        ZERO,
        *(
            max(p.high[i] - p.low[i], abs(p.high[i] - p.close[i - 1]), abs(p.low[i] - p.close[i - 1]))
            for i in range(1, len(p.close))
        ),
    ]
    deviations = deviation(p.close, 20, ddof=0)

    def at(i: int) -> Decimal:
        reach = deviations[i]
        assert reach is not None
        return Decimal(2 * reach < Decimal("1.5") * sum(last(ranges, i, 20), ZERO) / 20)

    return every(len(p.close), 21, at)


def technical(p: Prices) -> dict[str, Result]:
    """Every catalogue id of trend, oscillators and bands."""
    close, length = p.close, len(p.close)
    out: dict[str, Result] = {f"sma_{n}": sma(close, n) for n in (5, 10, 20, 50, 60, 120, 200)}
    out |= {f"ema_{n}": ema(close, n) for n in (9, 12, 20, 26, 50, 200)}
    out["wma_20"], out["hma_20"] = wma(close, 20), hma(close, 20, half=10, root=4)
    for n in (20, 50, 200):
        out[f"dist_sma_{n}"] = both(list(close), sma(close, n), lambda c, mean: over(c - mean, mean))
    out["sma_50_200_cross"] = cross(close)
    out["golden_cross_days"] = days_since_golden_cross(close)
    out["macd"], out["macd_signal"], out["macd_hist"] = macd(close, 12, 26, 9)
    out["adx_14"], out["di_plus"], out["di_minus"] = directional(p, 14)
    out["psar"] = psar(p, Decimal("0.02"), Decimal("0.2"))
    out["supertrend"] = supertrend(p, 10, Decimal(3))
    out["aroon_up"], out["aroon_down"] = aroon(p.high, 14, max), aroon(p.low, 14, min)
    tenkan, kijun = middle(p, 9), middle(p, 26)
    out["ichimoku_tenkan"], out["ichimoku_kijun"] = tenkan, kijun
    out["ichimoku_span_a"] = later(both(tenkan, kijun, lambda a, b: (a + b) / 2), 26)
    out["ichimoku_span_b"] = later(middle(p, 52), 26)
    out |= {f"rsi_{n}": rsi(close, n) for n in (2, 7, 14)}
    k = known(place(close, p.high, p.low, 14), lambda rest: sma(rest, 3))
    out["stoch_k"], out["stoch_d"] = k, known(k, lambda rest: sma(rest, 3))
    out["stochrsi"] = known(rsi(close, 14), lambda rest: place(rest, rest, rest, 14))
    out["cci_20"] = cci(p, 20)
    out["williams_r"] = [None if v is None else v - 100 for v in place(close, p.high, p.low, 14)]
    out["roc_12"] = every(length, 13, lambda i: over(close[i] - close[i - 12], close[i - 12]))
    out["momentum_10"] = every(length, 11, lambda i: close[i] - close[i - 10])
    out["trix_15"], out["tsi"], out["ultimate_osc"] = trix(close, 15), tsi(close, 25, 13), ultimate(p)
    out["ppo"] = both(out["macd"], ema(close, 26), over)
    out["awesome_osc"] = both(sma(p.middles, 5), sma(p.middles, 34), lambda fast, slow: fast - slow)
    mean, sd = sma(close, 20), deviation(close, 20, ddof=0)
    out["bb_mid"] = mean
    out["bb_upper"] = both(mean, sd, lambda m, d: m + 2 * d)
    out["bb_lower"] = both(mean, sd, lambda m, d: m - 2 * d)
    out["bb_width"] = both(mean, sd, lambda m, d: over(4 * d, m))
    below = both(list(close), out["bb_lower"], lambda c, lower: c - lower)
    out["bb_pct_b"] = both(below, sd, lambda x, d: None if d == 0 else x / (4 * d))
    reach = atr(p.high, p.low, close, 10)
    out["keltner_upper"] = both(ema(close, 20), reach, lambda m, r: m + 2 * r)
    out["keltner_lower"] = both(ema(close, 20), reach, lambda m, r: m - 2 * r)
    out["donchian_upper"] = every(length, 20, lambda i: max(last(p.high, i, 20)))
    out["donchian_lower"] = every(length, 20, lambda i: min(last(p.low, i, 20)))
    out["squeeze_on"], out["linreg_slope_20"] = squeeze(p), slope(close, 20)
    return out
