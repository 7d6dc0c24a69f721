"""Bars of every kind for property tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from stocks.indicators.bars import Bars


@st.composite
def any_bars(draw: st.DrawFn, min_size: int = 0, max_size: int = 300) -> Bars:
    length = draw(st.integers(min_size, max_size))
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tick = draw(st.sampled_from([0.01, 1.0, 500.0]))
    still = draw(st.sampled_from([0.0, 0.3, 1.0]))  # share of days on which nothing happens
    steps = source.integers(-3, 4, length) * (source.random(length) >= still)
    close = np.maximum(100 + np.cumsum(steps), 1) * tick
    high = close + source.integers(0, 4, length) * tick
    low = np.maximum(close - source.integers(0, 4, length) * tick, tick)
    suspended = source.random(length) < 0.1
    opened = np.where(suspended, np.nan, high)
    high[suspended] = low[suspended] = np.nan
    volume = source.integers(0, 10**9, length).astype(float) * ~suspended
    market = (1000 + np.cumsum(source.integers(-3, 4, length))).astype(np.float64)
    market[source.random(length) < draw(st.sampled_from([0.0, 0.005]))] = np.nan
    return Bars.of(
        opened,
        high,
        low,
        close,
        volume,
        days=np.datetime64("2023-12-29") + np.cumsum(source.integers(1, 4, length)),
        total=close * np.linspace(0.9, 1.0, length),
        market=market,
        shares=np.full(length, 10.0**9),
    )


def upto(bars: Bars, length: int) -> Bars:
    return Bars(*(getattr(bars, name)[:length] for name in Bars.__slots__))


def scaled(bars: Bars, *, price: float = 1.0, volume: float = 1.0) -> Bars:
    """The same bars in another currency, or with every share cut into some."""
    prices = {name: getattr(bars, name) * price for name in ("open", "high", "low", "close", "total")}
    return replace(bars, **prices, volume=bars.volume * volume, shares=bars.shares * volume)
