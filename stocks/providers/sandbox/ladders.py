"""Tick sizes: which prices an exchange quotes. Prices are whole numbers of a currency's smallest unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Units = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Ticks by price: ``ticks[i]`` holds from ``starts[i]`` up to the next start, both in smallest units.

    Every start is a multiple of the ticks on both sides of it, so that rounding never leaves the ladder.
    """

    starts: tuple[int, ...]
    ticks: tuple[int, ...]

    def tick(self, units: npt.NDArray[Any]) -> Units:
        """The tick that holds at each price."""
        at = np.searchsorted(np.array(self.starts[1:]), units, side="right")
        return np.array(self.ticks, dtype=np.int64)[at]

    def nearest(self, units: npt.NDArray[Any]) -> Units:
        """The nearest price quoted, at least one tick."""
        return self._snap(units, np.rint)

    def up(self, units: npt.NDArray[Any]) -> Units:
        """The lowest price quoted that is not below."""
        return self._snap(units, np.ceil)

    def down(self, units: npt.NDArray[Any]) -> Units:
        """The highest price quoted that is not above, at least one tick."""
        return self._snap(units, np.floor)

    def above(self, price: int) -> int:
        """The next price quoted above ``price``."""
        return price + int(self.tick(np.array(price)))

    def below(self, price: int) -> int:
        """The next price quoted below ``price``; 0 where there is none."""
        return price - int(self.tick(np.array(price - 1)))

    def _snap(self, units: npt.NDArray[Any], rounded: np.ufunc) -> Units:
        ticks = self.tick(units)
        return np.maximum(rounded(units / ticks).astype(np.int64), 1) * ticks


#: Korea Exchange, shares, since January 2023; won.
KRX = Ladder((0, 2_000, 5_000, 20_000, 50_000, 200_000, 500_000), (1, 5, 10, 50, 100, 500, 1_000))
#: United States, Rule 612 of Regulation NMS for prices from 1 dollar; cents.
US = Ladder((0,), (1,))
#: National Stock Exchange of India, cash market, since April 2025; paise.
NSE = Ladder((0, 25_000, 100_000, 500_000, 1_000_000, 2_000_000), (1, 5, 10, 50, 100, 500))
#: Index levels are published to two decimals.
INDEX = Ladder((0,), (1,))
