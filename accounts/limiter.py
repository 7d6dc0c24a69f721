"""How many requests an account may make: counted exactly, for all its credentials and all processes together.

An account is a user, or an address where nobody has signed in. Every request asks all of its budgets in one
script: it is counted in all of them or, where one refuses it, in none. While Redis is away each process
counts for itself (``accounts.local_limits``).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from accounts import familiar, tiers
from accounts.local_limits import Window, local_limits
from accounts.redis import RedisAway, Script
from accounts.tiers import Budget, Policy, policy_header

_LUA = Path(__file__).parent / "lua"
#: The Lua function `take`, for scripts that count a request and do more in the same step.
TAKE = (_LUA / "limit.lua").read_text()
_script = Script(TAKE, (_LUA / "take.lua").read_text())


class Standing(NamedTuple):
    """What is left of one policy, and the second (Unix time) at which it becomes more.

    Of a policy that refused the request it is the second at which the request would be let through.
    """

    policy: Policy
    remaining: int
    resets: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is let through; ``now`` is the second of the clock that decided.

    ``policies`` is the value of the header that names them all.
    """

    policies: str
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

    @property
    def details(self) -> dict[str, Any]:
        """What the body of a refusal tells."""
        nearest = self.nearest
        return {
            "limit": nearest.policy.limit,
            "remaining": nearest.remaining,
            "reset_at": moment(nearest.resets),
        }

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
            ("RateLimit-Policy", self.policies),
        ]
        if not self.allowed:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers


def limited() -> bool:
    """Whether requests are counted at all."""
    return bool(settings.RATE_LIMITS != "off")


def take(*, account: str, tier: str, address: str = "") -> Decision | None:
    """Count one request of an account, or refuse it; None where nothing is counted.

    With an ``address`` where it was not counted for that before, and is now, in the same step.
    """
    if not limited():
        return None
    row = tiers.tier(tier)
    budgets = row.budgets(account)
    return (
        _with_address(budgets, row.policy_header, address) if address else count(budgets, row.policy_header)
    )


def take_transaction(*, account: str, tier: str) -> Decision | None:
    """Count one transaction of an account, or refuse it; None where they are not counted.

    It is a request too: that it is one of the tier's requests is counted apart from this.
    """
    row = tiers.tier(tier)
    if not limited() or row.transactions is None:
        return None
    return count((transaction_budget(account, row.transactions),))


def transaction_budget(account: str, policy: Policy) -> Budget:
    """What an account may use of the limit of transactions."""
    return Budget(f"{account}:transactions", policy)


def take_address(*, address: str) -> Decision | None:
    """Count one request of an address, whoever asks there, or refuse it; None where nothing is counted."""
    return count((address_budget(address),)) if limited() else None


def is_spent(*, address: str) -> bool:
    """Whether this process was told that an address may ask nothing now."""
    budget = address_budget(address)
    (used,) = local_limits.known((budget,), time.monotonic())
    return used >= budget.policy.limit


def take_anonymous(*, address: str, first: bool = False) -> Decision | None:
    """Count one request without a user, or refuse it; None where nothing is counted.

    ``first``: it was not counted for its address before, and is now, in the same step.
    """
    if not limited():
        return None
    row = tiers.doors().anonymous
    budgets = row.budgets(stranger(address))
    return _with_address(budgets, row.policy_header, address) if first else count(budgets, row.policy_header)


def take_auth(*, address: str, email: str) -> Decision | None:
    """Count one attempt to sign in or to register, or refuse it; None where nothing is counted.

    It counts for the address and for the account, which need not exist. Where the user has
    signed in from this address before, the account is counted for this address apart from all others: whoever
    guesses elsewhere cannot keep the user out.
    """
    if not limited():
        return None
    policy = tiers.doors().auth
    budgets = [Budget(f"auth:{address}", policy)]
    if email:
        account = f"auth:{hashlib.blake2b(email.encode(), digest_size=16).hexdigest()}"
        if familiar.is_familiar(email=email, address=address):
            account += f":{address}"
        budgets.append(Budget(account, replace(policy, name="account")))
    return count(budgets)


def stranger(address: str) -> str:
    """The account of whoever asks from there without being anybody's user."""
    return f"anonymous:{address}"


def address_budget(address: str) -> Budget:
    """What all requests of an address may use together."""
    return Budget(f"address:{address}", tiers.doors().address)


def count(budgets: Sequence[Budget], policies: str = "") -> Decision:
    """Count one request in all budgets, or in none where one refuses it.

    ``policies`` is the header that names the policies, where it is at hand.
    """
    policies = policies or _policies(tuple([budget.policy for budget in budgets]))
    untold = local_limits.untold(budgets)
    if untold is None:
        return _local(budgets, policies)
    asked_at = time.monotonic()
    try:
        with local_limits.asking(budgets):
            reply = _script(keys(budgets), arguments(budgets, untold, asked_at))
            local_limits.note(budgets, asked_at, reply[1], reply[2:])
    except RedisAway:
        local_limits.not_told(budgets, untold)
        return _local(budgets, policies)
    local_limits.told(budgets, untold)
    return decision(budgets, policies, reply)


def count_each(groups: Sequence[Sequence[Budget]], addresses: Sequence[str] = ()) -> list[Decision]:
    """Count one request in each group of budgets, as `count` does, in one exchange with Redis.

    With ``addresses`` the request of each group is counted for its address too; for none where that is empty.
    """
    policies = [_policies(tuple([budget.policy for budget in group])) for group in groups]
    if not any(addresses):
        return _count_each(groups, policies)
    counted = [
        (*group, address_budget(address)) if address else group
        for group, address in zip(groups, addresses, strict=True)
    ]
    return [
        _without_address(decision) if address else decision
        for decision, address in zip(_count_each(counted, policies), addresses, strict=True)
    ]


def _count_each(groups: Sequence[Sequence[Budget]], policies: Sequence[str]) -> list[Decision]:
    # What Redis has to be told first is rare, and asked alone.
    owing = [local_limits.owes(group) for group in groups]
    plain = [group for group, owes in zip(groups, owing, strict=True) if not owes]
    asked_at = time.monotonic()
    try:
        with local_limits.asking([budget for group in plain for budget in group]):
            replies = _script.each([(keys(group), arguments(group, None, asked_at)) for group in plain])
            for group, reply in zip(plain, replies, strict=True):
                local_limits.note(group, asked_at, reply[1], reply[2:])
    except RedisAway:
        return [count(group, header) for group, header in zip(groups, policies, strict=True)]
    answers = iter(replies)
    return [
        count(group, header) if owes else decision(group, header, next(answers))
        for group, header, owes in zip(groups, policies, owing, strict=True)
    ]


def _with_address(budgets: Sequence[Budget], policies: str, address: str) -> Decision:
    """Count one request in budgets and for its address."""
    return _without_address(count((*budgets, address_budget(address)), policies))


def _without_address(decision: Decision) -> Decision:
    """Of the address, the last that was asked for, is told only where it is what refuses."""
    if decision.allowed or decision.standings[-1].remaining:
        return Decision(decision.policies, decision.allowed, decision.now, decision.standings[:-1])
    return Decision(
        policy_header([one.policy for one in decision.standings]), False, decision.now, decision.standings
    )


def _local(budgets: Sequence[Budget], policies: str) -> Decision:
    allowed, now, standings = local_limits.take(budgets)
    return decision(budgets, policies, [int(allowed), now, *chain.from_iterable(standings)])


def keys(budgets: Sequence[Budget]) -> list[str]:
    """Where they are counted."""
    return [f"limit:{budget.account}:{budget.policy.seconds}" for budget in budgets]


def arguments(budgets: Sequence[Budget], untold: Sequence[Window] | None, asked_at: float) -> list[int]:
    """What the Lua function `take` has to know of each budget; ``untold`` is None where nothing is owed."""
    known = local_limits.known(budgets, asked_at)
    return [
        number
        for index, budget in enumerate(budgets)
        for number in (
            budget.policy.limit,
            budget.policy.seconds,
            sum(untold[index].values()) if untold else 0,
            known[index],
        )
    ]


def decision(budgets: Sequence[Budget], policies: str, reply: Sequence[int]) -> Decision:
    """What `take` returned, in words; ``reply`` may tell of more budgets than are asked for."""
    standings = tuple(
        [
            Standing(budget.policy, max(0, budget.policy.limit - used), resets)
            for budget, used, resets in zip(budgets, reply[2::2], reply[3::2], strict=False)
        ]
    )
    return Decision(policies, bool(reply[0]), reply[1], standings)


@lru_cache(maxsize=64)
def _policies(policies: tuple[Policy, ...]) -> str:
    return policy_header(policies)


@lru_cache(maxsize=1024)
def moment(seconds: int) -> str:
    """A second of Unix time as every time is written in replies."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
