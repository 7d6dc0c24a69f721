"""What a gateway does for us, and what it says. One that is asked twice with one key acts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Charge:
    """What is to be taken. ``payment_id`` is the key: whatever is asked under it happens once.

    ``attempt`` counts from 1.
    """

    payment_id: UUID
    order_id: UUID
    amount: Decimal
    currency: str
    token: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The money is taken; ``reference`` is the gateway's own name of it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """No money is taken, for good; ``code`` says why in the gateway's words."""

    reference: str
    code: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The gateway has it in hand and tells later, by a notice or when it is looked up."""

    reference: str


Outcome = Succeeded | Declined | Waiting
#: What a gateway tells by itself.
Kind = Literal["succeeded", "failed", "refunded", "other"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a gateway has told us by itself, its signature checked.

    ``event_id`` is its name at the gateway. ``payment_id`` is ours, None where it says none; then the
    ``reference`` names it. ``amount`` is None where the notice has none.
    """

    event_id: str
    kind: Kind
    payment_id: UUID | None
    reference: str
    amount: Decimal | None
    currency: str
    code: str = ""


class GatewayError(Exception):
    """Root: the message names neither a key nor a token."""


class GatewayAway(GatewayError):
    """Nobody knows what became of it: it is asked again under the same key. ``wait`` is in seconds."""

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(message)


class GatewayRefused(GatewayError):
    """It will not do this, however often it is asked; ``code`` says why in its words."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Gateway(Protocol):
    """One gateway. An instance serves all threads."""

    name: str

    def takes(self, currency: str) -> bool:
        """Whether it can charge amounts of a currency."""

    def charge(self, charge: Charge) -> Outcome:
        """Take the money; raises GatewayAway and GatewayRefused."""

    def look_up(self, reference: str, *, since: datetime, now: datetime) -> Outcome:
        """What became of one that waited, which it began at ``since``; raises the same."""

    def refund(self, *, payment_id: UUID, reference: str) -> None:
        """Give all of it back, or find that it was; raises the same."""

    def notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Read a notice; raises NoticeRefused for one that the gateway did not sign just now."""
