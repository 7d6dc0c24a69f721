"""What each tier may use: the one table is ``settings.TIERS``, read here and served at ``/v1/tiers``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_SECONDS)})")


@dataclass(frozen=True, slots=True)
class Policy:
    """At most ``limit`` requests in any ``seconds``, wherever they begin."""

    name: str
    limit: int
    seconds: int


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
        return ", ".join(f'"{one.name}";q={one.limit};w={one.seconds}' for one in self.policies)


_read: tuple[Any, dict[str, TierRow]] = (None, {})


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


def _row(name: str, row: Mapping[str, Any]) -> TierRow:
    policies = tuple(_policy(text) for text in row["requests"])
    if not policies:
        raise ImproperlyConfigured(f"tier {name!r} has no limit")
    if len({policy.name for policy in policies}) < len(policies):
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
        raise ImproperlyConfigured(f"{text!r} is no limit; 100/minute is one (also: hour, day)")
    return Policy(match[2], int(match[1]), _SECONDS[match[2]])
