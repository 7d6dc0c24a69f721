"""A gateway in the shape of Stripe's API: forms over HTTP, a key per payment, signed events.

``STRIPE_URL`` says where it is. A card that wants its holder's consent now is declined, since nobody is there
when a worker asks.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import requests

from accounts.billing.errors import NoticeRefused
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
from accounts.outbound.http import retry_after

#: To connect, to wait for the next bytes, and in all.
CONNECT_SECONDS, SILENT_SECONDS, DEADLINE_SECONDS = 3.0, 8.0, 12.0
MAX_BYTES: Final = 1024 * 1024
SIGNATURE = "Stripe-Signature"
_WAITING = ("processing", "requires_capture", "requires_action", "requires_confirmation")
# Not about this payment: our key is wrong, or they are busy. Asked again until somebody has put it right.
_AWAY = (401, 403, 408, 409, 425, 429)
Form = Mapping[str, str]


class StripeGateway:
    """Takes money by PaymentIntents that are confirmed as they are made."""

    name = "stripe"

    def __init__(self, *, url: str, secret_key: str, webhook_secrets: Sequence[str]) -> None:
        self._url = url.rstrip("/")
        self._key = secret_key
        self._webhook_secrets = tuple(webhook_secrets)
        self._local = threading.local()

    def takes(self, currency: str) -> bool:
        return stripe_events.takes(currency)

    def charge(self, charge: Charge) -> Outcome:
        form = {
            "amount": str(stripe_events.in_units(charge.amount, charge.currency)),
            "currency": charge.currency.lower(),
            "payment_method": charge.token,
            "payment_method_types[]": "card",
            "confirm": "true",
            "error_on_requires_action": "true",
            "metadata[payment_id]": str(charge.payment_id),
            "metadata[order_id]": str(charge.order_id),
        }
        return _outcome(*self._ask("POST", "/v1/payment_intents", form, key=f"pay-{charge.payment_id}"))

    def look_up(self, reference: str, *, since: datetime, now: datetime) -> Outcome:
        return _outcome(*self._ask("GET", f"/v1/payment_intents/{quote(reference, safe='')}"))

    def refund(self, *, payment_id: UUID, reference: str) -> None:
        status, body = self._ask(
            "POST", "/v1/refunds", {"payment_intent": reference}, key=f"refund-{payment_id}"
        )
        if status != 200:
            code = _error(body).get("code")
            if code != "charge_already_refunded":
                raise GatewayRefused(_word(code))
        elif body.get("status") in ("failed", "canceled"):
            raise GatewayRefused(_word(body.get("failure_reason")))

    def notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        if not self._webhook_secrets:
            raise NoticeRefused
        signatures.check(headers.get(SIGNATURE, ""), body, secrets=self._webhook_secrets, now=now)
        return stripe_events.read(body)

    def _ask(
        self, method: str, path: str, form: Form | None = None, *, key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Status and object of a reply; raises GatewayAway where it does not settle the question."""
        headers = {"Authorization": f"Bearer {self._key}"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            with self._session().request(
                method,
                f"{self._url}{path}",
                data=dict(form) if form else None,
                headers=headers,
                timeout=(CONNECT_SECONDS, SILENT_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                raw = _whole(response)
        except requests.RequestException as error:
            # The text of such an error holds the address.
            raise GatewayAway(f"{self.name}: {type(error).__name__}") from None
        status = response.status_code
        if status in _AWAY or status >= 500 or 300 <= status < 400:
            wait = retry_after(response.headers.get("Retry-After"), now=time.time())
            raise GatewayAway(f"{self.name}: HTTP {status}", wait=wait)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise GatewayAway(f"{self.name}: HTTP {status} without JSON") from None
        if not isinstance(body, dict):
            raise GatewayAway(f"{self.name}: HTTP {status} without an object")
        return status, body

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            # A .netrc would put other credentials in place of ours.
            session.trust_env = False
        return session


def _whole(response: requests.Response) -> bytes:
    """The body, within its bounds of time and size."""
    until, body = time.monotonic() + DEADLINE_SECONDS, bytearray()
    for chunk in response.iter_content(16_384):
        body += chunk
        if len(body) > MAX_BYTES or time.monotonic() > until:
            raise requests.exceptions.ContentDecodingError
    return bytes(body)


def _outcome(status: int, body: dict[str, Any]) -> Outcome:
    if status != 200:
        error = _error(body)
        if error.get("type") == "idempotency_error":
            # Something else was asked under this key before, and may have been carried out.
            raise GatewayAway("stripe: the key came with another request before")
        if status != 402:
            raise GatewayRefused(_word(error.get("code") or error.get("type")))
        intent = error.get("payment_intent")
        reference = intent.get("id") if isinstance(intent, dict) else None
        return Declined(
            reference[: stripe_events.MAX_TEXT] if isinstance(reference, str) else "",
            _word(error.get("decline_code") or error.get("code")),
        )
    reference, state = body.get("id"), body.get("status")
    if not isinstance(reference, str) or not 0 < len(reference) <= stripe_events.MAX_TEXT:
        raise GatewayAway("stripe: a reply without an id")
    if state == "succeeded":
        return Succeeded(reference)
    if state in ("canceled", "requires_payment_method"):
        return Declined(reference, stripe_events.failure_of(body))
    if state in _WAITING:
        return Waiting(reference)
    raise GatewayAway("stripe: a reply of an unknown state")


def _error(body: dict[str, Any]) -> dict[str, Any]:
    error = body.get("error")
    return error if isinstance(error, dict) else {}


def _word(value: Any) -> str:
    return value[:64] if isinstance(value, str) and value else "refused"
