"""What each tier may use: the table is in the settings, ``TIERS`` and ``LIMITS``; served at ``/v1/tiers``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/([1-9][0-9]{{0,2}} )?({'|'.join(_SECONDS)})s?")
#: The name of the tier of requests that nobody signed in for.
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Policy:
    """At most ``limit`` requests in any ``seconds``, wherever they begin."""

    name: str
    limit: int
    seconds: int


class Budget(NamedTuple):
    """One policy of one account: of a user, an address, or one of them and an action."""

    account: str
    policy: Policy

    @property
    def key(self) -> tuple[str, int]:
        """What it is counted under."""
        return self.account, self.policy.seconds


def policy_header(policies: Iterable[Policy]) -> str:
    """The value of ``RateLimit-Policy``."""
    return ", ".join(f'"{one.name}";q={one.limit};w={one.seconds}' for one in policies)


@dataclass(frozen=True)
class TierRow:
    """One row of the table: all of its policies hold at once, and that of an action beside them."""

    name: str
    policies: tuple[Policy, ...]
    websocket_rooms: int
    websocket_connections: int
    alerts: int = 0
    webhooks: int = 0
    transactions: Policy | None = None

    @cached_property
    def policy_header(self) -> str:
        """The value of ``RateLimit-Policy``."""
        return policy_header(self.policies)

    def budgets(self, account: str) -> tuple[Budget, ...]:
        """What an account of this tier may use."""
        return tuple([Budget(account, policy) for policy in self.policies])


@dataclass(frozen=True)
class Doors:
    """What holds of an address before anybody has signed in, and of signing in itself."""

    anonymous: TierRow
    address: Policy
    auth: Policy


_read: tuple[Any, dict[str, TierRow]] = (None, {})
_read_doors: tuple[Any, Doors | None] = (None, None)


def tiers() -> dict[str, TierRow]:
    """The table by name, smallest tier first; raises ImproperlyConfigured for a limit that cannot be read."""
    global _read
    source, table = _read
    if source is not settings.TIERS:
        table = {name: _row(name, row) for name, row in settings.TIERS.items()}
        _read = (settings.TIERS, table)
    return table


def tier(name: str) -> TierRow:
    """A row of the table; that of the smallest tier for a name that it does not hold."""
    table = tiers()
    return table.get(name) or next(iter(table.values()))


def doors() -> Doors:
    """What holds at the door; raises ImproperlyConfigured for a limit that cannot be read."""
    global _read_doors
    source, read = _read_doors
    if read is None or source is not settings.LIMITS:
        given = settings.LIMITS
        read = Doors(
            anonymous=_row(
                ANONYMOUS, {"requests": given["anonymous"], "websocket_rooms": 0, "websocket_connections": 0}
            ),
            address=replace(_policy(given["address"]), name="address"),
            auth=replace(_policy(given["auth"]), name="auth"),
        )
        _read_doors = (given, read)
    return read


def _row(name: str, row: Mapping[str, Any]) -> TierRow:
    policies = tuple(_policy(text) for text in row["requests"])
    if not policies:
        raise ImproperlyConfigured(f"tier {name!r} has no limit")
    if len({policy.seconds for policy in policies}) < len(policies):
        raise ImproperlyConfigured(f"tier {name!r} has two limits for the same time")
    return TierRow(
        name,
        policies,
        websocket_rooms=int(row["websocket_rooms"]),
        websocket_connections=int(row["websocket_connections"]),
        alerts=int(row.get("alerts", 0)),
        webhooks=int(row.get("webhooks", 0)),
        transactions=(
            replace(_policy(row["transactions"]), name="transactions") if "transactions" in row else None
        ),
    )


def _policy(text: str) -> Policy:
    match = _RATE.fullmatch(text)
    if match is None:
        raise ImproperlyConfigured(
            f"{text!r} is no limit; 100/minute and 5/10 minutes are (also: second, hour, day)"
        )
    count, many, unit = match.groups()
    return Policy(f"{many}{unit}s" if many else unit, int(count), int(many or 1) * _SECONDS[unit])
