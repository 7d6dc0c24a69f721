"""How many requests an account may make: counted exactly, for all its credentials and all processes together.

Every request asks all policies of the account's tier in one script: it is counted in all of them or, where
one refuses it, in none. While Redis is away each process counts for itself (``accounts.local_limits``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path

from django.conf import settings

from accounts import tiers
from accounts.local_limits import Window, local_limits
from accounts.redis import RedisAway, Script
from accounts.tiers import Policy, TierRow

_LUA = Path(__file__).parent / "lua"
#: The Lua function `take`, for scripts that count a request and do more in the same step.
TAKE = (_LUA / "limit.lua").read_text()
_script = Script(TAKE, (_LUA / "take.lua").read_text())


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of one policy, and the second (Unix time) at which it becomes more.

    Of a policy that refused the request it is the second at which the request would be let through.
    """

    policy: Policy
    remaining: int
    resets: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is let through; ``now`` is the second of the clock that decided."""

    row: TierRow
    allowed: bool
    now: int
    standings: tuple[Standing, ...]

    @property
    def nearest(self) -> Standing:
        """The policy that is, or will be, the first to refuse."""
        if self.allowed:
            return min(self.standings, key=lambda one: (one.remaining, -one.policy.seconds))
        return max(self.standings, key=lambda one: (one.remaining == 0, one.resets))

    @property
    def retry_after(self) -> int:
        """Seconds after which a refused request is let through, if nothing else is asked meanwhile."""
        return max(1, self.nearest.resets - self.now)

    def headers(self) -> list[tuple[str, str]]:
        """The headers of the reply; ``X-RateLimit-…`` tell of the nearest policy, ``RateLimit`` of all."""
        nearest = self.nearest
        standings = ", ".join(
            f'"{one.policy.name}";r={one.remaining};t={max(0, one.resets - self.now)}'
            for one in self.standings
        )
        headers = [
            ("X-RateLimit-Limit", str(nearest.policy.limit)),
            ("X-RateLimit-Remaining", str(nearest.remaining)),
            ("X-RateLimit-Reset", moment(nearest.resets)),
            ("RateLimit", standings),
            ("RateLimit-Policy", self.row.policy_header),
        ]
        if not self.allowed:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers


def limited() -> bool:
    """Whether requests are counted at all."""
    return bool(settings.RATE_LIMITS != "off")


def take(*, account: str, tier: str) -> Decision | None:
    """Count one request of an account, or refuse it; None where nothing is counted."""
    return _take(account, tiers.tier(tier)) if limited() else None


def take_transaction(*, account: str, tier: str) -> Decision | None:
    """Count one transaction of an account, or refuse it; None where they are not counted.

    It is a request too: that it is one of the tier's requests is counted apart from this.
    """
    row = tiers.tier(tier)
    if not limited() or row.transactions is None:
        return None
    return _take(f"{account}:transactions", replace(row, policies=(row.transactions,)))


def _take(account: str, row: TierRow) -> Decision:
    untold = local_limits.untold(account, row.policies)
    if untold is None:
        return _local(account, row)
    try:
        with local_limits.asking(account):
            reply = _script(keys(account, row.policies), arguments(row.policies, untold))
            local_limits.note(account, reply[1], reply[2::2])
    except RedisAway:
        local_limits.not_told(account, untold)
        return _local(account, row)
    local_limits.told(account, row.policies, untold)
    return decision(row, reply)


def _local(account: str, row: TierRow) -> Decision:
    allowed, now, standings = local_limits.take(account, row.policies)
    return decision(row, [int(allowed), now, *chain.from_iterable(standings)])


def keys(account: str, policies: Sequence[Policy]) -> list[str]:
    """Where the windows of an account are counted."""
    return [f"limit:{account}:{policy.seconds}" for policy in policies]


def arguments(policies: Sequence[Policy], untold: Sequence[Window]) -> list[int]:
    """What the Lua function `take` has to know of each policy."""
    return [
        number
        for policy, window in zip(policies, untold, strict=True)
        for number in (policy.limit, policy.seconds, sum(window.values()))
    ]


def decision(row: TierRow, reply: Sequence[int]) -> Decision:
    """What `take` returned, in words."""
    standings = tuple(
        Standing(policy, max(0, policy.limit - used), resets)
        for policy, used, resets in zip(row.policies, reply[2::2], reply[3::2], strict=True)
    )
    return Decision(row, bool(reply[0]), reply[1], standings)


@lru_cache(maxsize=1024)
def moment(seconds: int) -> str:
    """A second of Unix time as every time is written in replies."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
