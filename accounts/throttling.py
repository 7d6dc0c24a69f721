"""Where DRF asks whether a request may go on: after it knows who asks, before the view does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import limiter
from accounts.errors import RateLimited
from accounts.limiter import Decision
from accounts.models import User

if TYPE_CHECKING:
    # It imports what the settings name, and so this module.
    from rest_framework.views import APIView

#: In the WSGI environment: account and decision of a request that was counted before it came to Django.
COUNTED = "stockroom.counted"


class AccountThrottle(BaseThrottle):
    """Counts the request of a known user against the limits of their tier.

    The account is counted, whichever of its keys and sessions asks. Raises RateLimited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, User):
            return True
        account, decision = str(request.user.pk), None
        counted = request.META.get(COUNTED)
        if counted is not None and counted[0] == account:
            decision = counted[1]
        else:
            decision = limiter.take(account=account, tier=request.user.tier)
        if decision is None:
            return True
        # The middleware writes the headers of every reply, errors included.
        request._request.rate_decision = decision  # type: ignore[attr-defined]
        if not decision.allowed:
            raise refusal(decision)
        return True


class TransactionThrottle(BaseThrottle):
    """Counts what changes a ledger against the limit of transactions. Reading is not counted.

    It comes after AccountThrottle, whose headers stay on what it lets through. Raises RateLimited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS or not isinstance(request.user, User):
            return True
        decision = limiter.take_transaction(account=str(request.user.pk), tier=request.user.tier)
        if decision is not None and not decision.allowed:
            request._request.rate_decision = decision  # type: ignore[attr-defined]
            raise refusal(decision)
        return True


def refusal(decision: Decision) -> RateLimited:
    """The error of a request that is not let through."""
    nearest = decision.nearest
    return RateLimited(
        limit=nearest.policy.limit, remaining=nearest.remaining, reset_at=limiter.moment(nearest.resets)
    )
