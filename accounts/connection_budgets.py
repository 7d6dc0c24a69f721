"""Connections and their frames are requests: they are counted in the budgets of REST, many in one step."""

from __future__ import annotations

from collections.abc import Sequence

from accounts import limiter, tiers
from accounts.limiter import Decision
from accounts.principal import Principal
from accounts.tiers import Budget


class ConnectionBudgets:
    """Each method counts one request of each that it is given; None where nothing is counted."""

    def spent(self, addresses: Sequence[str]) -> list[Decision | None]:
        """Of those who ask at an address of which this process was told that it has nothing left."""
        known = {address for address in set(addresses) if limiter.is_spent(address=address)}
        asked = iter(self.addresses([address for address in addresses if address in known]))
        return [next(asked) if address in known else None for address in addresses]

    def addresses(self, addresses: Sequence[str]) -> list[Decision | None]:
        """Of whoever asks there."""
        return _counted([(limiter.address_budget(address),) for address in addresses])

    def strangers(self, addresses: Sequence[str], counted: Sequence[bool]) -> list[Decision | None]:
        """Of those who ask there without being anybody's user; whether each was counted for the address."""
        row = tiers.doors().anonymous
        return _counted(
            [row.budgets(limiter.stranger(address)) for address in addresses],
            ["" if before else address for address, before in zip(addresses, counted, strict=True)],
        )

    def users(self, principals: Sequence[Principal], addresses: Sequence[str] = ()) -> list[Decision | None]:
        """Of these users, as their tiers allow, and of where they ask; an empty address is not counted."""
        return _counted([tiers.tier(one.tier).budgets(str(one.user_id)) for one in principals], addresses)


def _counted(groups: Sequence[tuple[Budget, ...]], addresses: Sequence[str] = ()) -> list[Decision | None]:
    return [*limiter.count_each(groups, addresses)] if limiter.limited() else [None] * len(groups)
