"""What a server tells, as frozen values. Figures are Decimal as they stood on the wire; unknown is None."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stockroom_client.positions import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything that came; a type that this version does not know is exactly this class.

    ``raw`` is the message. ``room``, ``epoch`` and ``sequence`` say which event of which room it is, where it
    is one. ``is_snapshot`` marks what a room held when it was joined.
    """

    type: str
    room: str | None = None
    epoch: str | None = None
    sequence: int | None = None
    timestamp: datetime | None = None
    is_snapshot: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUpdate(Event):
    """The price of one stock. ``as_of`` is the exchange's time, ``change_percent`` is in percent."""

    stock_code: str
    current_price: Decimal | None
    change_amount: Decimal | None = None
    change_percent: Decimal | None = None
    volume: Decimal | None = None
    as_of: datetime | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price of an order book; ``total`` is the volume from the best level up to this one."""

    price: Decimal | None
    volume: Decimal | None
    total: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBookUpdate(Event):
    """Both sides of the book, best level first. ``spread_pct`` is in percent of the best bid."""

    stock_code: str
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    spread: Decimal | None = None
    spread_pct: Decimal | None = None
    as_of: datetime | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatus(Event):
    """Whether a market trades; ``session`` is `regular`, `closed` and such."""

    market: str
    is_open: bool | None
    session: str | None = None
    next_open: datetime | None = None
    next_close: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Event):
    """An alert of this user has fired; ``data`` says which and why."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    """An order of this user, or their tier, has changed. It comes in the room of alerts, in order.

    ``id`` names what happened, ``event`` says what: `order.created`, `payment.requested`, `order.paid`,
    `order.fulfilled`, `order.failed`, `order.cancelled`, `refund.requested`, `order.refunded`,
    `tier.changed`.
    ``status`` is the order's after it. ``tier`` is the user's where that has changed; then there is no order.
    """

    id: str
    event: str
    order_id: str | None = None
    status: str | None = None
    total: Decimal | None = None
    currency: str | None = None
    tier: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioEvent(Event):
    """A portfolio of this user has changed."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenEvent(Event):
    """A stock has entered or left a live screen of this user."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Events of a room between two positions are lost; what the room holds now follows as a snapshot.

    ``since`` is the last position that was had, ``position`` where the room goes on.
    """

    since: Position | None
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Event):
    """Signed in: what this connection may do. It comes anew after each reconnect."""

    session: str
    tier: str | None
    expires_at: datetime | None
    limits: Mapping[str, Any]
    heartbeat_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Event):
    """An ack: every room of the connection and where it stands."""

    rooms: Mapping[str, Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated(Event):
    """A fresh token was taken; the connection lives on."""

    tier: str | None
    expires_at: datetime | None
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Event):
    """The tier of the user has changed; rooms beyond the new limit are left, each with a ServerError."""

    tier: str | None
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExpiring(Event):
    """The token ends soon. A client with a ``token_provider`` has asked for a fresh one already."""

    expires_at: datetime | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError(Event):
    """The server refused something; a room that it names is not joined and not asked for again."""

    error: str
    code: int | None
    message: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected(Event):
    """The connection is lost; the next attempt begins in ``retry_in`` seconds."""

    code: int
    reason: str
    retry_in: float


def to_event(message: Mapping[str, Any], *, epoch: str | None = None, is_snapshot: bool = False) -> Event:
    """The typed event of a message; a plain Event where the type is not known or its fields are not there."""
    kind = message.get("type")
    sequence = message.get("sequence")
    common: dict[str, Any] = {
        "type": kind if isinstance(kind, str) else "",
        "room": _text(message.get("room")),
        "epoch": epoch,
        "sequence": sequence if isinstance(sequence, int) else None,
        "timestamp": moment(message.get("timestamp")),
        "is_snapshot": is_snapshot,
        "raw": message,
    }
    make = _MAKERS.get(common["type"])
    try:
        return Event(**common) if make is None else make(message, common)
    except (LookupError, TypeError, AttributeError):
        return Event(**common)


def latest_key(event: Event) -> Hashable | None:
    """What the event is the whole value of; None where every event counts."""
    if isinstance(event, PriceUpdate | OrderBookUpdate):
        return (event.room, event.type, event.stock_code)
    if isinstance(event, MarketStatus):
        return (event.room, event.type, event.market)
    return None


def moment(value: Any) -> datetime | None:
    """A time from its text in ISO 8601, or from milliseconds since 1970; None for anything else."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, int):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    return None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if type(value) is int else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Decimal) else None


def _price(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    data = message["data"]
    return PriceUpdate(
        **common,
        stock_code=message["stock_code"],
        current_price=_number(data["current_price"]),
        change_amount=_number(data.get("change_amount")),
        change_percent=_number(data.get("change_percent")),
        volume=_number(data.get("volume")),
        as_of=moment(data.get("timestamp")),
        source=_text(data.get("source")),
    )


def _order_book(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    data = message["data"]
    return OrderBookUpdate(
        **common,
        stock_code=message["stock_code"],
        asks=_levels(data["asks"]),
        bids=_levels(data["bids"]),
        spread=_number(data.get("spread")),
        spread_pct=_number(data.get("spread_pct")),
        as_of=moment(data.get("timestamp")),
        source=_text(data.get("source")),
    )


def _levels(levels: list[Mapping[str, Any]]) -> tuple[Level, ...]:
    made = []
    running: Decimal | None = Decimal(0)
    for level in levels:
        volume = _number(level["volume"])
        running = None if running is None or volume is None else running + volume
        # The compact format leaves out what can be added up.
        total = _number(level["total"]) if "total" in level else running
        made.append(Level(price=_number(level["price"]), volume=volume, total=total))
    return tuple(made)


def _market_status(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    data = message["data"]
    is_open = data["is_open"]
    return MarketStatus(
        **common,
        market=message["market"],
        is_open=is_open if isinstance(is_open, bool) else None,
        session=_text(data.get("session")),
        next_open=moment(data.get("next_open")),
        next_close=moment(data.get("next_close")),
    )


def _order(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    data = message["data"]
    return OrderEvent(
        **common,
        id=data["id"],
        event=data["event"],
        order_id=_text(data.get("order_id")),
        status=_text(data.get("status")),
        total=_number(data.get("total")),
        currency=_text(data.get("currency")),
        tier=_text(data.get("tier")),
        created_at=moment(data.get("created_at")),
    )


def _with_data(kind: type[Alert] | type[PortfolioEvent] | type[ScreenEvent]) -> _Maker:
    def make(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
        return kind(**common, data=_object(message.get("data")))

    return make


def _hello(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return Hello(
        **common,
        session=message["session"],
        tier=_text(message.get("tier")),
        expires_at=moment(message.get("expires_at")),
        limits=_object(message.get("limits")),
        heartbeat_seconds=_seconds(message.get("heartbeat_seconds")) or 30.0,
    )


def _authenticated(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return Authenticated(
        **common,
        tier=_text(message.get("tier")),
        expires_at=moment(message.get("expires_at")),
        limits=_object(message.get("limits")),
    )


def _limits(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return Limits(**common, tier=_text(message.get("tier")), limits=_object(message.get("limits")))


def _token_expiring(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return TokenExpiring(
        **common,
        expires_at=moment(message.get("expires_at")),
        seconds_left=_seconds(message.get("seconds_left")),
    )


def _error(message: Mapping[str, Any], common: dict[str, Any]) -> Event:
    code = message.get("code")
    return ServerError(
        **common,
        error=str(message.get("error", "")),
        code=code if isinstance(code, int) else None,
        message=str(message.get("message", "")),
        details=_object(message.get("details")),
    )


_Maker = Callable[[Mapping[str, Any], dict[str, Any]], Event]
_MAKERS: dict[str, _Maker] = {
    "price_update": _price,
    "orderbook_update": _order_book,
    "market_status": _market_status,
    "alert": _with_data(Alert),
    "order": _order,
    "portfolio": _with_data(PortfolioEvent),
    "screen": _with_data(ScreenEvent),
    "hello": _hello,
    "authenticated": _authenticated,
    "limits": _limits,
    "token_expiring": _token_expiring,
    "error": _error,
}
