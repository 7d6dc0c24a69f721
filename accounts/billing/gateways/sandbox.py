"""A gateway for trying out: no key, no network, no money. Its tokens say what becomes of a payment.

    sandbox_success   taken
    sandbox_declined  declined
    sandbox_pending   in hand until a notice decides (manage.py sandbox_notice), or for ten minutes
    sandbox_timeout   taken, but the first reply is lost on its way
    sandbox_down      nobody answers

Its notices are events in the form of Stripe's, signed in the header ``Sandbox-Signature``.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from django.conf import settings

from accounts.billing.gateways import signatures, stripe_events
from accounts.billing.gateways.protocol import (
    Charge,
    Declined,
    GatewayAway,
    GatewayRefused,
    Notice,
    Outcome,
    Succeeded,
    Waiting,
)

SIGNATURE = "Sandbox-Signature"
PENDING_FOR: Final = timedelta(minutes=10)
_TYPES: Final = {
    "succeeded": "payment_intent.succeeded",
    "failed": "payment_intent.payment_failed",
    "refunded": "charge.refunded",
}


class SandboxGateway:
    """Remembers nothing: what it says follows from the payment and its token alone."""

    name = "sandbox"

    def takes(self, currency: str) -> bool:
        return stripe_events.takes(currency)

    def charge(self, charge: Charge) -> Outcome:
        reference = reference_of(charge.payment_id)
        match charge.token:
            case "sandbox_success":
                return Succeeded(reference)
            case "sandbox_declined":
                return Declined(reference, "card_declined")
            case "sandbox_pending":
                return Waiting(reference)
            case "sandbox_timeout" if charge.attempt > 1:
                return Succeeded(reference)
            case "sandbox_timeout" | "sandbox_down":
                raise GatewayAway("sandbox: no answer came")
        raise GatewayRefused("unknown_token")

    def look_up(self, reference: str, *, since: datetime, now: datetime) -> Outcome:
        return Succeeded(reference) if now - since >= PENDING_FOR else Waiting(reference)

    def refund(self, *, payment_id: UUID, reference: str) -> None:
        if reference != reference_of(payment_id):
            raise GatewayRefused("no_such_payment")

    def notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        signatures.check(headers.get(SIGNATURE, ""), body, secrets=[_secret()], now=now)
        return stripe_events.read(body)


def reference_of(payment_id: UUID) -> str:
    """The sandbox's own name of a payment."""
    return f"sb_{payment_id.hex}"


def event(
    *,
    event_id: str,
    kind: Literal["succeeded", "failed", "refunded"],
    payment_id: UUID,
    amount: Decimal,
    currency: str,
    now: datetime,
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a notice of the sandbox."""
    units, reference = stripe_events.in_units(amount, currency), reference_of(payment_id)
    subject = {
        "id": reference,
        "amount": units,
        "currency": currency.lower(),
        "metadata": {"payment_id": str(payment_id)},
    }
    if kind == "succeeded":
        subject["amount_received"] = units
    elif kind == "failed":
        subject["last_payment_error"] = {"code": "card_declined"}
    else:
        subject |= {"payment_intent": reference, "amount_refunded": units}
    body = json.dumps({"id": event_id, "type": _TYPES[kind], "data": {"object": subject}}).encode()
    header = signatures.sign(_secret(), body, timestamp=int(now.timestamp()))
    return body, {SIGNATURE: header, "Content-Type": "application/json"}


def _secret() -> str:
    """It follows from the server's own key, so that nobody has to set it."""
    return hmac.digest(settings.API_KEY_PEPPER.encode(), b"sandbox gateway", "sha256").hex()
