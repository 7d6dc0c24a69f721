"""Events in the form of Stripe's API: what they say of a payment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from accounts.billing.errors import NoticeRefused
from accounts.billing.gateways.protocol import Kind, Notice
from accounts.currencies import decimals_of, is_currency

# Where Stripe counts in another unit than ISO 4217 has; with three decimals it wants rounded amounts.
_UNUSUAL: Final = frozenset({"ISK", "MGA", "UGX", "UYI"})
_KINDS: Final[dict[str, Kind]] = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.payment_failed": "failed",
    "payment_intent.canceled": "failed",
    "charge.refunded": "refunded",
}
MAX_TEXT: Final = 255


def takes(currency: str) -> bool:
    """Whether amounts of the currency are counted in its smallest unit."""
    return is_currency(currency) and decimals_of(currency) < 3 and currency not in _UNUSUAL


def in_units(amount: Decimal, currency: str) -> int:
    """An amount in the smallest unit; it must be chargeable."""
    return int(amount.scaleb(decimals_of(currency)))


def from_units(units: int, currency: str) -> Decimal:
    """The amount of so many of the smallest unit."""
    return Decimal(units).scaleb(-decimals_of(currency))


def read(body: bytes) -> Notice:
    """The notice of an event whose signature is right; raises NoticeRefused for what is no event."""
    try:
        event = json.loads(body)
        event_id, type_of = _text(event["id"]), _text(event["type"])
        subject = event["data"]["object"]
        if not event_id or not isinstance(subject, dict):
            raise NoticeRefused
        return _notice(event_id, type_of, subject)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoticeRefused("The notice holds no event.") from error


def payment_of(subject: Mapping[str, Any]) -> UUID | None:
    """Our own name of the payment, which we gave it as metadata."""
    metadata = subject.get("metadata")
    given = metadata.get("payment_id") if isinstance(metadata, dict) else None
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


def failure_of(subject: Mapping[str, Any]) -> str:
    """Why it was declined, in one word."""
    error = subject.get("last_payment_error")
    if not isinstance(error, dict):
        return _text(subject.get("cancellation_reason") or "declined")[:64]
    return _text(error.get("decline_code") or error.get("code") or "declined")[:64]


def _notice(event_id: str, type_of: str, subject: Mapping[str, Any]) -> Notice:
    kind: Kind = _KINDS.get(type_of, "other")
    currency = _text(subject.get("currency") or "").upper()
    units = subject.get("amount_received" if kind == "succeeded" else "amount")
    if kind == "refunded" and subject.get("amount_refunded") != units:
        # A part of it, given back at the gateway: nothing that an order could become.
        kind = "other"
    counted = isinstance(units, int) and not isinstance(units, bool) and takes(currency)
    return Notice(
        event_id=event_id,
        kind=kind,
        payment_id=payment_of(subject),
        reference=_text(subject.get("payment_intent") if kind == "refunded" else subject.get("id") or ""),
        amount=from_units(units, currency) if counted and isinstance(units, int) else None,
        currency=currency,
        code=failure_of(subject) if kind == "failed" else "",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        raise TypeError("no short text")
    return value
