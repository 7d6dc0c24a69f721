"""Latest prices: of stocks, exchange rates and coins, and the frames of the stream."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.message import DecodeError
from yfinance.pricing_pb2 import PricingData

from stocks.providers import json
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.yahoo.parse import shapes
from stocks.providers.yahoo.parse.charts import MOST_RATE, RATE_PLACES
from stocks.providers.yahoo.prices import places, price, unit
from stocks.types import CryptoPrice, FxRate, StockKey, Tick

SOURCE = "yahoo"
# The regular session; before and after it a price is of few trades, and no part of the day's figures.
_REGULAR = 1


def ticks(reply: Any, keys: Mapping[str, StockKey], received_at: datetime) -> list[Tick]:
    """The prices of the stocks in ``keys``, which are by symbol; of two symbols of a stock the newer one.

    Left out: what was not asked for, is in another currency, or has no price or no time.
    """
    found: dict[str, Tick] = {}
    for symbol, row in _rows(reply):
        key = keys.get(symbol)
        tick = None if key is None else _tick(row, key, received_at)
        if tick is not None and (tick.code not in found or found[tick.code].as_of < tick.as_of):
            found[tick.code] = tick
    return list(found.values())


def rates(reply: Any, pairs: Mapping[str, tuple[str, str]], received_at: datetime) -> list[FxRate]:
    """The rates of the (base, quote) in ``pairs``, which are by symbol; each pair once."""
    found: dict[tuple[str, str], FxRate] = {}
    for symbol, row in _rows(reply):
        pair = pairs.get(symbol)
        rate, as_of = shapes.positive(row.get("regularMarketPrice")), _time(row)
        if pair is None or rate is None or as_of is None:
            continue
        if row.get("quoteType") != "CURRENCY" or shapes.text(row.get("currency")) != pair[1]:
            continue
        rate = price(rate, _places(row), most=RATE_PLACES)
        if not 0 < rate < MOST_RATE:
            continue
        found[pair] = FxRate(*pair, rate, as_of, received_at, SOURCE)
    return list(found.values())


def coin(reply: Any, spelled: str, pair: tuple[str, str], received_at: datetime) -> CryptoPrice:
    """The price of a coin. Its other figures stay unknown: Yahoo's are of the day in UTC, not of 24 hours."""
    for symbol, row in _rows(reply):
        sent, as_of = shapes.positive(row.get("regularMarketPrice")), _time(row)
        is_coin = row.get("quoteType") == "CRYPTOCURRENCY" and shapes.text(row.get("currency")) == pair[1]
        if symbol != spelled or not is_coin or sent is None or as_of is None:
            continue
        latest = price(sent, _places(row))
        if json.MIN_PRICE <= latest < json.MAX_PRICE:
            return CryptoPrice(*pair, latest, as_of, received_at, SOURCE)
    raise NotFound(f"yahoo: has no price of {pair[0]} in {pair[1]}")


def frame(text: str | bytes, keys: Mapping[str, StockKey], received_at: datetime, seq: int) -> Tick | None:
    """The tick in a frame of the stream; None where it brings none that can be used."""
    data = _pricing(text)
    if data is None or data.market_hours != _REGULAR:
        return None
    key = keys.get(data.id)
    as_of = shapes.moment(data.time // 1000) if data.time > 10**11 else None
    named = unit(data.currency)
    if key is None or as_of is None or key.currency not in ("", named.currency):
        return None
    decimals = places(int(data.price_hint) or None, named.currency)

    def whole_units(sent: float) -> Decimal | None:
        found = shapes.positive(Decimal(repr(sent)))
        return None if found is None else price(found, decimals).scaleb(named.shift)

    latest = whole_units(data.price)
    if latest is None:
        return None
    return Tick(
        code=key.code,
        price=latest,
        as_of=as_of.replace(microsecond=data.time % 1000 * 1000),
        received_at=received_at,
        source=SOURCE,
        seq=seq,
        volume=int(data.day_volume) if data.day_volume > 0 else None,
        open=whole_units(data.open_price),
        high=whole_units(data.day_high),
        low=whole_units(data.day_low),
        previous_close=whole_units(data.previous_close),
    )


def seq_at(received_at: datetime) -> int:
    """Microseconds since 1970: Yahoo numbers nothing."""
    since = received_at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _tick(row: Mapping[str, Any], key: StockKey, received_at: datetime) -> Tick | None:
    named = unit(shapes.text(row.get("currency")))
    as_of = _time(row)
    if as_of is None or len(named.currency) != 3 or key.currency not in ("", named.currency):
        return None
    decimals = _places(row)

    def whole_units(name: str) -> Decimal | None:
        sent = shapes.positive(row.get(name))
        return None if sent is None else price(sent, decimals).scaleb(named.shift)

    latest = whole_units("regularMarketPrice")
    if latest is None:
        return None
    return Tick(
        code=key.code,
        price=latest,
        as_of=as_of,
        received_at=received_at,
        source=SOURCE,
        seq=seq_at(received_at),
        volume=shapes.whole(row.get("regularMarketVolume")),
        open=whole_units("regularMarketOpen"),
        high=whole_units("regularMarketDayHigh"),
        low=whole_units("regularMarketDayLow"),
        previous_close=whole_units("regularMarketPreviousClose"),
    )


def _rows(reply: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in shapes.result(reply, "quoteResponse"):
        row = json.mapping(row, "result")
        yield shapes.text(row.get("symbol")), row


def _time(row: Mapping[str, Any]) -> datetime | None:
    return shapes.moment(row.get("regularMarketTime"))


def _places(row: Mapping[str, Any]) -> int:
    return places(shapes.whole(row.get("priceHint")), shapes.text(row.get("currency")))


def _pricing(text: str | bytes) -> Any:
    """The message in a frame ``{"type": "pricing", "message": "<base64>"}``, None for other frames."""
    try:
        frame = json.loads(text)
        if not isinstance(frame, dict) or frame.get("type") != "pricing":
            return None
        data = PricingData()
        data.ParseFromString(base64.b64decode(shapes.text(frame.get("message")), validate=True))
    except (Malformed, binascii.Error, DecodeError):
        return None
    return data
