"""Connections and their frames are requests: they are counted in the budgets of REST, many in one step."""

from __future__ import annotations

from collections.abc import Sequence

from accounts import limiter, tiers
from accounts.limiter import Decision
from accounts.principal import Principal
from accounts.tiers import Budget


class ConnectionBudgets:
    """Each method counts one request of each that it is given; None where nothing is counted."""

    def addresses(self, addresses: Sequence[str]) -> list[Decision | None]:
        """Of whoever asks there."""
        return _counted([(limiter.address_budget(address),) for address in addresses])

    def strangers(self, addresses: Sequence[str]) -> list[Decision | None]:
        """Of those who ask there without being anybody's user."""
        row = tiers.doors().anonymous
        return _counted([row.budgets(limiter.stranger(address)) for address in addresses])

    def users(self, principals: Sequence[Principal]) -> list[Decision | None]:
        """Of these users, as their tiers allow."""
        return _counted([tiers.tier(one.tier).budgets(str(one.user_id)) for one in principals])


def _counted(groups: Sequence[tuple[Budget, ...]]) -> list[Decision | None]:
    return [*limiter.count_each(groups)] if limiter.limited() else [None] * len(groups)
