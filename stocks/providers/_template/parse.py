"""What the replies of this service mean: the only file that knows its field names, and pure.

Beside this, keep to the rules of ``stocks/providers/protocol.py``: exact decimals, aware UTC times, unknown
is None and never 0, minor units (pence) turned into the major one, bars as traded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from stocks.providers import json
from stocks.providers.errors import AuthFailed, Malformed, NotFound, ProviderError, RateLimited, Upstream
from stocks.types import Bar, StockKey, Tick

SOURCE = "template"
#: Every refusal that the service documents, by its code, and what it has to become.
_REFUSALS: dict[str, type[ProviderError]] = {
    "unknown_symbol": NotFound,
    "bad_key": AuthFailed,
    "quota_used_up": RateLimited,
}


def refuse(value: Any) -> None:
    """Raise what a body ``{"error": {"code": …}}`` says is wrong, whatever its status was."""
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        code = error.get("code")
        kind = _REFUSALS.get(code, Upstream) if isinstance(code, str) else Upstream
        # Their own words may repeat the key or an address, so they stay out of the message.
        raise kind(f"{SOURCE}: {code if code in _REFUSALS else 'an error of its own'}")


def ticks(value: Any, keys: Mapping[str, StockKey], received_at: datetime) -> list[Tick]:
    """The prices of the stocks in ``keys``, by symbol; what cannot be true, or is of others, is left out."""
    rows = json.sequence(json.mapping(value, "the reply").get("prices"), "prices")
    found = (_tick(json.mapping(row, "price"), keys, received_at) for row in rows)
    return [tick for tick in found if tick is not None]


def bars(value: Any, symbol: str, start: date, end: date) -> list[Bar]:
    """The days of ``symbol`` from ``start`` to ``end``, oldest first; Malformed where they are of another."""
    value = json.mapping(value, "the reply")
    if value.get("symbol") != symbol:
        raise Malformed(f"{SOURCE}: days of another symbol")
    found = [_bar(json.mapping(row, "day")) for row in json.sequence(value.get("days"), "days")]
    return sorted((bar for bar in found if start <= bar.date <= end), key=lambda bar: bar.date)


def _tick(row: Mapping[str, Any], keys: Mapping[str, StockKey], received_at: datetime) -> Tick | None:
    key = keys.get(json.text(row.get("symbol"), "symbol"))
    if key is None or key.currency not in ("", row.get("currency")):
        return None
    try:
        price = json.price(row.get("price"), "price")
        as_of = datetime.fromisoformat(json.required(row.get("time"), "time"))
        volume = json.count(row.get("volume"), "volume")
    except (Malformed, ValueError):
        return None
    if as_of.tzinfo is None:
        return None  # of which place?
    return Tick(
        code=key.code,
        price=price,
        as_of=as_of.astimezone(UTC),
        received_at=received_at,
        source=SOURCE,
        seq=int(received_at.timestamp() * 1_000_000),
        volume=volume,
    )


def _bar(row: Mapping[str, Any]) -> Bar:
    opened, high, low = (json.decimal(row.get(name), name) or None for name in ("open", "high", "low"))
    close, volume = json.price(row.get("close"), "close"), json.count(row.get("volume"), "volume")
    if volume is None or not _bounded(opened, high, low, close):
        raise Malformed(f"{SOURCE}: a day that cannot be")
    return Bar(json.day(row.get("date"), "date"), opened, high, low, close, volume)


def _bounded(opened: Decimal | None, high: Decimal | None, low: Decimal | None, close: Decimal) -> bool:
    if opened is None or high is None or low is None:
        return opened is high is low is None  # a day without trades
    return 0 < low <= min(opened, close) <= max(opened, close) <= high
