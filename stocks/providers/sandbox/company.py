"""What kind of business an invented company runs: the ratios that its statements keep to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp

import numpy as np

from stocks.providers.sandbox import known
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.universe import Instrument

_PAYERS = {"KOSPI": 0.75, "KOSDAQ": 0.45, "NASDAQ": 0.35, "NYSE": 0.70, "NSE": 0.55}
_YIELDS = {"KOSPI": 2.8, "KOSDAQ": 1.6, "NASDAQ": 1.3, "NYSE": 2.6, "NSE": 1.3}
_HIGHEST_ROE, _LOWEST_ROE = 26.0, -9.0
_HIGHEST_PER = 32.0


@dataclass(frozen=True, slots=True)
class Company:
    """Ratios at the middle of the price: in percent ``roe``, ``operating_margin`` and ``dividend_yield``.

    ``pbr`` is price to book, ``net_share`` the part of the operating profit that is left as net profit,
    ``leverage`` liabilities to equity, ``swing`` the deviation of a quarter's business and ``payments`` the
    dividends a year.
    """

    roe: float
    pbr: float
    operating_margin: float
    net_share: float
    gross_extra: float
    leverage: float
    swing: float
    dividend_yield: float
    payments: int
    payment_month: int
    payment_day: int
    filing_lag: int


@lru_cache(maxsize=8192)
def company(seed: int, instrument: Instrument) -> Company:
    """The same for ever, drawn from the seed and the code. A good business earns more and owes less."""
    draws = generator(seed, instrument.code, "business")
    normal = np.clip(draws.standard_normal(10), -2.5, 2.5).tolist()
    uniform = draws.random(6).tolist()
    quality = 0.4 + 0.5 * abs(normal[0]) if instrument.well_known else normal[0]
    roe = _between(8.5 + 6.5 * quality + 2.5 * normal[1], _LOWEST_ROE, _HIGHEST_ROE)
    if instrument.well_known:
        roe = max(roe, 6.0)
    roe, pbr = _price_of(roe, _between(11.5 * exp(0.45 * normal[2]), 4.5, _HIGHEST_PER))
    margin = _between(9.0 + 5.0 * quality + 2.5 * normal[3], 2.0, 40.0)
    leverage = _between(0.8 * exp(-0.35 * quality + 0.4 * normal[4]), 0.1, 4.0)
    market = instrument.venue.market
    pays = roe > 0 and uniform[0] < _PAYERS[market]
    return Company(
        roe=roe,
        pbr=pbr,
        operating_margin=margin if roe > 0 else -margin,
        net_share=0.65 + 0.2 * uniform[1],
        gross_extra=0.08 + 0.3 * uniform[2],
        leverage=leverage * (7.0 if instrument.sector == known.FINANCE else 1.0),
        swing=0.025 + 0.05 * uniform[3],
        dividend_yield=_between(_YIELDS[market] * exp(0.5 * normal[5]), 0.3, 5.0) if pays else 0.0,
        payments=_payments(instrument, uniform[4]),
        payment_month=int(uniform[5] * 3),
        payment_day=1 + int(uniform[5] * 1_000) % 25,
        filing_lag=int(uniform[4] * 1_000) % 18,
    )


def _price_of(roe: float, per: float) -> tuple[float, float]:
    """Return on equity and price to book that fit a price of ``per`` times the earnings."""
    if roe < 1.0:
        # Too little to be priced by its earnings: a loss, priced by its book.
        return min(roe, -1.0), min(0.05 * per + 0.3, 3.0)
    return roe, _between(per * roe / 100.0, min(0.4, _HIGHEST_PER * roe / 100.0), 4.5)


def _payments(instrument: Instrument, draw: float) -> int:
    if instrument.venue.country == "US":
        return 4
    return 4 if draw < 0.3 else 2 if draw < 0.5 else 1


def _between(value: float, lowest: float, highest: float) -> float:
    return max(min(value, highest), lowest)
