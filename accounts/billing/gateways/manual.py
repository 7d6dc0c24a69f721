"""Money that came another way, such as a bank transfer, as staff have noted it. Clients cannot choose it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts.billing.errors import NoticeRefused
from accounts.billing.gateways.protocol import Charge, GatewayRefused, Notice, Outcome

NAME = "manual"


class ManualGateway:
    """Nothing is taken here; a refund is noted, and made by people."""

    name = NAME

    def takes(self, currency: str) -> bool:
        return True

    def charge(self, charge: Charge) -> Outcome:
        raise GatewayRefused("by_people_only")

    def look_up(self, reference: str, *, since: datetime, now: datetime) -> Outcome:
        raise GatewayRefused("by_people_only")

    def refund(self, *, payment_id: UUID, reference: str) -> None:
        return

    def notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        raise NoticeRefused
