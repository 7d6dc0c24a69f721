"""Make and redeem tickets: see accounts/tickets.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.errors import TicketsUnavailable
from accounts.redis import RedisAway, call, call_each
from accounts.tickets import LIFE_SECONDS, Maker, ticket_generate, ticket_name


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket, which nobody can read again, and how long it may be used."""

    ticket: str
    expires_at: datetime
    expires_in: int


def ticket_issue(*, maker: Maker) -> IssuedTicket:
    """A ticket that stands for its maker once; raises TicketsUnavailable while Redis does not answer."""
    ticket = ticket_generate()
    expires_at = timezone.now() + timedelta(seconds=LIFE_SECONDS)
    name = ticket_name(ticket)
    assert name is not None
    try:
        call("SET", name, maker.written(), "EX", LIFE_SECONDS)
    except RedisAway as error:
        raise TicketsUnavailable from error
    return IssuedTicket(ticket=ticket, expires_at=expires_at.astimezone(UTC), expires_in=LIFE_SECONDS)


def tickets_redeem(*, tickets: Sequence[str]) -> list[Maker | None]:
    """Who made each ticket; None for one that is unknown, was used or has ended. None can be used again.

    Raises TicketsUnavailable while Redis does not answer.
    """
    names = [ticket_name(ticket) for ticket in tickets]
    try:
        entries = iter(call_each([("GETDEL", name) for name in names if name is not None]))
    except RedisAway as error:
        raise TicketsUnavailable from error
    found = [None if name is None else next(entries) for name in names]
    return [None if entry is None else Maker.read(entry) for entry in found]
