"""Prices of coins: fetched while somebody asks for them, the newest of each pair kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from stocks.errors import NoCryptoPrice
from stocks.gate import BELIEVED, near
from stocks.models import CryptoQuote
from stocks.models.fields import MAX_PRICE
from stocks.providers.errors import Malformed
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.selectors.reports import stored_coin
from stocks.services.first_questions import NotNow, first_question
from stocks.services.keeping import claim_for, kept_fresh
from stocks.types import CryptoPrice

FRESH_FOR: Final = timedelta(seconds=60)
#: Within this time a price does not become a half or the double of itself.
_REFERENCE_FOR = timedelta(hours=6)
_AHEAD = timedelta(seconds=5)
_MOST_VOLUME = Decimal(10) ** 18
_PLACES = Decimal("1E-8")
_VOLUME_PLACES = Decimal("1E-10")


@dataclass(frozen=True, slots=True)
class CryptoReport:
    """The newest price of a pair, and whether it is older than it should be."""

    coin: CryptoQuote
    stale: bool


def crypto_report(symbol: str, currency: str, *, now: datetime) -> CryptoReport:
    """The price of a coin in a currency, both in capitals; raises NoCryptoPrice and DataUnavailable."""
    coin = stored_coin(symbol, currency)
    try:
        freshness = kept_fresh(
            f"crypto:{symbol}-{currency}",
            offered=mesh().has(Capability.CRYPTO),
            have=coin is not None,
            fresh_for=FRESH_FOR,
            refresh=lambda: _refresh(symbol, currency, coin, now),
            now=now,
        )
    except NotNow as error:
        raise NoCryptoPrice(symbol, currency, error.retry_after) from None
    if coin is None and not freshness.missing:
        coin = stored_coin(symbol, currency)
    if coin is None:
        raise NoCryptoPrice(symbol, currency)
    return CryptoReport(coin, stale=freshness.stale or freshness.missing)


def crypto_store(price: CryptoPrice) -> bool:
    """Keep a price unless a newer one is stored; says whether it was kept."""
    values: dict[str, Any] = {
        "price": price.price.quantize(_PLACES),
        **{name: _kept(getattr(price, name)) for name in ("open", "high", "low", "previous_close")},
        "volume": _volume(price.volume),
        "as_of": price.as_of,
        "received_at": price.received_at,
        "source": price.source,
    }
    pair = {"symbol": price.symbol, "currency": price.currency}
    _, created = CryptoQuote.objects.get_or_create(**pair, defaults=values)
    if created:
        return True
    older = CryptoQuote.objects.filter(Q(as_of__lte=price.as_of), **pair)
    return bool(older.update(**values))


def _refresh(symbol: str, currency: str, stored: CryptoQuote | None, now: datetime) -> str:
    def ask() -> CryptoPrice:
        return mesh().crypto(symbol, currency).value

    price = ask() if stored is not None else first_question("coins", ask)
    if (why := _why_refused(price, symbol, currency, stored, now)) is not None:
        raise Malformed(f"{price.source}: {symbol}/{currency}: {why}")
    with transaction.atomic():
        claim_for(price.source)
        crypto_store(price)
    return price.source


def _why_refused(
    price: CryptoPrice, symbol: str, currency: str, stored: CryptoQuote | None, now: datetime
) -> str | None:
    """Why a price cannot be true; None where it can."""
    if (price.symbol, price.currency) != (symbol, currency):
        return "the price of another pair"
    if _kept(price.price) is None:
        return "a price that is none"
    if price.as_of > max(now, price.received_at) + _AHEAD:
        return "a time to come"
    if (
        stored is not None
        and now - stored.as_of < _REFERENCE_FOR
        and not near(price.price, stored.price, BELIEVED)
    ):
        return "too far from the last price"
    return None


def _kept(value: Decimal | None) -> Decimal | None:
    """A price as it is stored, None for one that cannot be."""
    if value is None or not value.is_finite() or not 0 < value < MAX_PRICE:
        return None
    return value.quantize(_PLACES) or None


def _volume(value: Decimal | None) -> Decimal | None:
    if value is None or not value.is_finite() or not 0 <= value < _MOST_VOLUME:
        return None
    return value.quantize(_VOLUME_PLACES)
