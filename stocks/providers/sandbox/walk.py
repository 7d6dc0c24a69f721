"""The path of every price: a mean-reverting geometric walk with a market's and a sector's part in it.

Steps are drawn for weekdays from ORIGIN on, whether the exchange trades or not. So a corrected holiday only
adds or removes a bar, and every other one stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import exp

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.universe import ORIGIN, Instrument

Floats = npt.NDArray[np.float64]

# Weekdays of a year, and the day on which a price's middle is the instrument's.
_YEAR = 260.9
_REFERENCE = date(2025, 7, 1)
_MARKET_STEP, _SECTOR_STEP, _FACTOR_SPREAD = 0.008, 0.006, 0.09
_STEP_LIMIT = 0.11
# Student's t with 5 degrees of freedom has this standard deviation.
_HEAVY, _HEAVY_DEVIATION = 5.0, (5.0 / 3.0) ** 0.5


@dataclass(frozen=True, slots=True)
class Motion:
    """How a price moves: ``volatility`` a day of its own, ``spread`` of its logarithm around the middle.

    ``beta`` and ``gamma`` weigh the market's and the sector's part; ``growth`` is the middle's drift a year.
    """

    volatility: float
    spread: float
    beta: float
    gamma: float
    growth: float

    @property
    def daily(self) -> float:
        """Standard deviation of a day's logarithmic change, all parts together."""
        parts = (self.volatility, self.beta * _MARKET_STEP, self.gamma * _SECTOR_STEP)
        return float(np.sqrt(sum(part**2 for part in parts)))


@lru_cache(maxsize=8192)
def motion(seed: int, instrument: Instrument) -> Motion:
    """The same for ever, drawn from the seed and the code."""
    if instrument.index:
        return Motion(volatility=0.0, spread=0.0, beta=1.0, gamma=0.0, growth=0.05)
    draws = generator(seed, instrument.code, "motion")
    middle = instrument.venue.volatility * (0.75 if instrument.well_known else 1.0)
    volatility = middle * exp(max(min(draws.normal(0.0, 0.35), 0.8), -0.7))
    return Motion(
        volatility=volatility,
        spread=min(11.0 * volatility, 0.12 if instrument.well_known else 0.25),
        beta=max(min(draws.normal(1.0, 0.3), 1.9), 0.2),
        gamma=max(min(draws.normal(1.0, 0.3), 1.9), 0.2),
        growth=0.03 if instrument.well_known else max(min(draws.normal(0.04, 0.04), 0.13), -0.05),
    )


def drift(growth: float, day: date) -> float:
    """What a yearly growth has made of 1 by ``day``."""
    return exp(growth * (day - _REFERENCE).days / 365.25)


def drifts(growth: Floats, days: npt.NDArray[np.datetime64]) -> Floats:
    """The same for arrays of both."""
    return np.exp(growth * (days - np.datetime64(_REFERENCE)).astype(np.float64) / 365.25)


def weekday_number(day: date) -> int:
    """Weekdays from ORIGIN up to ``day``; 0 on ORIGIN."""
    return int(np.busday_count(ORIGIN, day))


def log_prices(seed: int, instruments: Sequence[Instrument], motions: Sequence[Motion], days: int) -> Floats:
    """Natural logarithms of prices in smallest units, shape (days, instruments), before any split.

    Row 0 is ORIGIN. All instruments are of one country, whose market and sectors move together.
    """
    noise = np.empty((days + 1, len(instruments)))
    for column, instrument in enumerate(instruments):
        noise[:, column] = generator(seed, instrument.code, "steps").standard_t(_HEAVY, days + 1)
    noise /= _HEAVY_DEVIATION
    volatility = np.array([m.volatility for m in motions])
    own = _reverting(noise, volatility, np.array([m.spread for m in motions]))
    country = instruments[0].venue.country
    market = _factor(seed, country, "market", days, _MARKET_STEP)
    sectors = sorted({instrument.sector for instrument in instruments})
    sector_paths = np.stack([_factor(seed, country, f"sector {s}", days, _SECTOR_STEP) for s in sectors])
    sector = sector_paths[[sectors.index(instrument.sector) for instrument in instruments]].T
    years = (np.arange(days) - weekday_number(_REFERENCE))[:, None] / _YEAR
    own += market[:, None] * np.array([m.beta for m in motions])
    own += sector * np.array([m.gamma for m in motions])
    own += years * np.array([m.growth for m in motions])
    own += np.log(np.array([instrument.middle for instrument in instruments], dtype=float))
    return own


def _reverting(noise: Floats, step: Floats, spread: Floats) -> Floats:
    """An Ornstein-Uhlenbeck path a column, begun in its stationary distribution (row 0 of ``noise``)."""
    pull = np.divide(step**2, 2.0 * spread**2, out=np.zeros_like(step), where=spread > 0)
    moves = np.clip(noise[1:] * step, -_STEP_LIMIT, _STEP_LIMIT)
    path = np.empty_like(moves)
    at = np.clip(noise[0], -2.0, 2.0) * spread
    for day, move in enumerate(moves):
        path[day] = at
        at = at * (1.0 - pull) + move
    return path


def _factor(seed: int, country: str, name: str, days: int, step: float) -> Floats:
    noise = generator(seed, country, name).standard_normal((days + 1, 1))
    return _reverting(noise, np.array([step]), np.array([_FACTOR_SPREAD]))[:, 0]
