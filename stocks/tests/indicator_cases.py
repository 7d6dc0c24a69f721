"""Series for the indicator tests: exact decimals and the same numbers as arrays."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array, Bars
from stocks.tests.indicator_reference import Result


def array(values: Sequence[Decimal]) -> Array:
    return np.array([float(value) for value in values])


def numbers(text: str) -> list[Decimal]:
    """The numbers of a worksheet, written one after the other."""
    return [Decimal(word) for word in text.split()]


def walk(length: int, *, seed: int = 7, start: int = 50_000, tick: int = 50) -> list[Decimal]:
    """Closes of a made-up stock: whole ticks, rising and falling by up to 3 %."""
    source = random.Random(seed)
    price = Decimal(start)
    closes = []
    for _ in range(length):
        closes.append(price)
        change = Decimal(source.randint(-300, 310)) / 10_000
        price = max(Decimal(tick), (price * (1 + change) / tick).to_integral_value() * tick)
    return closes


def spread(closes: Sequence[Decimal], *, seed: int = 8) -> tuple[list[Decimal], list[Decimal]]:
    """Highs and lows around the closes, the close itself among them."""
    source = random.Random(seed)
    highs = [close + source.randint(0, 20) * 50 for close in closes]
    lows = [max(close - source.randint(0, 20) * 50, Decimal(1)) for close in closes]
    return highs, lows


def bars(closes: Sequence[Decimal], *, volume: float = 1000.0) -> Bars:
    highs, lows = spread(closes)
    volumes = volume + np.arange(len(closes), dtype=float)
    return Bars.of(array(closes), array(highs), array(lows), array(closes), volumes)


def closing(
    closes: Array,
    volume: Array | None = None,
    *,
    days: npt.ArrayLike | None = None,
    total: Array | None = None,
    market: Array | None = None,
) -> Bars:
    """Bars whose prices are all the close."""
    return Bars.of(
        closes,
        closes,
        closes,
        closes,
        np.ones(len(closes)) if volume is None else volume,
        days=None if days is None else np.array(days, dtype="datetime64[D]"),
        total=total,
        market=market,
    )


def assert_equals(computed: Array, expected: Result, *, relative: float = 1e-9) -> None:
    """The arrays agree everywhere, warm-up included."""
    assert len(computed) == len(expected)
    wanted = np.array([np.nan if value is None else float(value) for value in expected])
    np.testing.assert_allclose(computed, wanted, rtol=relative, atol=1e-9, equal_nan=True)
