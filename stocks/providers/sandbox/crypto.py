"""Coins of the sandbox, under the names that people know; their prices are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from stocks.figures import rounded
from stocks.providers.errors import NotFound
from stocks.providers.sandbox import fx
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.paths import levels, minute
from stocks.types import CryptoPrice

_DAY = timedelta(days=1)
_MINUTES = 1_440
_STEP, _SPREAD = 0.025, 0.30


@dataclass(frozen=True, slots=True)
class Coin:
    """``dollars`` is the middle of its walk, ``turnover`` what a day trades, in dollars.

    ``calm`` coins keep to a dollar.
    """

    dollars: float
    turnover: float
    calm: bool = False


COINS = {
    "BTC": Coin(68_000, 3.0e10),
    "ETH": Coin(2_900, 1.5e10),
    "USDT": Coin(1, 5.0e10, calm=True),
    "USDC": Coin(1, 8.0e9, calm=True),
    "BNB": Coin(590, 1.6e9),
    "XRP": Coin(1.1, 3.0e9),
    "SOL": Coin(150, 3.5e9),
    "DOGE": Coin(0.16, 1.4e9),
    "ADA": Coin(0.55, 6.0e8),
    "TRX": Coin(0.18, 5.0e8),
    "AVAX": Coin(28, 4.0e8),
    "LINK": Coin(14, 5.0e8),
    "DOT": Coin(6.0, 2.5e8),
    "LTC": Coin(82, 4.0e8),
    "BCH": Coin(420, 3.0e8),
    "XLM": Coin(0.21, 2.5e8),
    "ATOM": Coin(7.2, 1.5e8),
    "ETC": Coin(22, 2.0e8),
    "UNI": Coin(8.4, 2.0e8),
    "NEAR": Coin(4.3, 2.5e8),
}


def crypto(seed: int, symbol: str, currency: str, *, now: datetime, source: str) -> CryptoPrice:
    """The price of the minute of ``now`` and the range of the 24 hours before; raises NotFound."""
    coin = COINS.get(symbol)
    if coin is None or currency not in fx.CURRENCIES:
        raise NotFound(f"the sandbox has no {symbol}/{currency}")
    step, spread = (0.0004, 0.002) if coin.calm else (_STEP, _SPREAD)
    path = levels(seed, f"coin {symbol}", step, spread, now, _MINUTES + 1)
    # The range is that of the dollar price: the exchange rate hardly moves within a day.
    rate = float(fx.per_dollar(seed, currency, now))
    prices = coin.dollars * np.exp(path) * rate
    busy = float(np.exp(0.3 * generator(seed, symbol, "busy", str(now.date())).standard_normal()))
    latest = float(prices[-1])
    before = _price(float(prices[0]), latest)
    return CryptoPrice(
        symbol=symbol,
        currency=currency,
        price=_price(latest, latest),
        as_of=minute(now),
        received_at=now,
        source=source,
        open=before,
        high=_price(float(prices.max()), latest),
        low=_price(float(prices.min()), latest),
        previous_close=before,
        volume=rounded(Decimal(repr(coin.turnover * busy * rate / latest)), 4),
    )


def _price(value: float, latest: float) -> Decimal:
    """With two decimals from 100 up, more below: a price of a day has as many as the latest one."""
    return rounded(Decimal(repr(value)), 2 if latest >= 100 else 4 if latest >= 1 else 8)
