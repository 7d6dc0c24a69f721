"""Where DRF asks whether a request may go on: after it knows who asks, before the view does anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.exceptions import APIException
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
#: There as well: account and decision of a transaction that was counted before.
COUNTED_TRANSACTION = "stockroom.counted_transaction"
#: There as well: that the address is still to be counted, with the account once that is known.
LEFT = "stockroom.left"
#: There as well: the address that a request is counted for, and what of it was counted there so far.
ADDRESS, COUNTED_ADDRESS, COUNTED_ANONYMOUS = (
    f"stockroom.{name}" for name in ("address", "counted_address", "counted_anonymous")
)


class AccountThrottle(BaseThrottle):
    """Counts the request of a known user against the limits of their tier, a stranger's for the address.

    The account is counted, whichever of its keys and sessions asks, and in the same step the address where
    the door left that for here. A stranger without any credential was counted at the door; here comes who
    brought one that the view does not read. Raises RateLimited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, User):
            if COUNTED_ANONYMOUS in request.META:
                return True
            first = _is_left(request)
            request.META[COUNTED_ANONYMOUS] = True
            return allow(request, limiter.take_anonymous(address=address_of(request), first=first))
        account, decision = str(request.user.pk), None
        counted = request.META.get(COUNTED)
        if counted is not None and counted[0] == account:
            decision = counted[1]
        else:
            address = address_of(request) if _is_left(request) else ""
            decision = limiter.take(account=account, tier=request.user.tier, address=address)
        return allow(request, decision)


class AuthThrottle(BaseThrottle):
    """Counts an attempt to sign in, to register or to get at an account, before anything is hashed.

    For its address and for the account, that of the user or the one that the body names; without a user it
    is no stranger's request besides. Raises RateLimited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method != "POST":
            return AccountThrottle().allow_request(request, view)
        address = address_of(request)
        try:
            email = request.data.get("email", "") if isinstance(request.data, Mapping) else ""
        except APIException:
            # What cannot be read is an attempt as well.
            allow(request, limiter.take_auth(address=address, email=""))
            raise
        if isinstance(request.user, User):
            email = request.user.email
        email = email.strip().lower() if isinstance(email, str) else ""
        return allow(request, limiter.take_auth(address=address, email=email))


class TransactionThrottle(BaseThrottle):
    """Counts what changes a ledger against the limit of transactions. Reading is not counted.

    It comes after AccountThrottle, whose headers stay on what it lets through. Raises RateLimited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS or not isinstance(request.user, User):
            return True
        account = str(request.user.pk)
        counted = request.META.get(COUNTED_TRANSACTION)
        if counted is not None and counted[0] == account:
            decision = counted[1]
        else:
            decision = limiter.take_transaction(account=account, tier=request.user.tier)
        if decision is not None and not decision.allowed:
            request._request.rate_decision = decision  # type: ignore[attr-defined]
            raise refusal(decision)
        return True


def address_of(request: Request) -> str:
    """The address that a request is counted for."""
    return str(request.META.get(ADDRESS) or request.META.get("REMOTE_ADDR", ""))


def _is_left(request: Request) -> bool:
    """Whether the request is still to be counted for its address; it is from now on taken as counted."""
    return bool(request.META.pop(LEFT, False))


def allow(request: Request, decision: Decision | None) -> bool:
    """True where the request was let through; raises RateLimited where it was not."""
    if decision is None:
        return True
    # The middleware writes the headers of every reply, errors included.
    request._request.rate_decision = decision  # type: ignore[attr-defined]
    if not decision.allowed:
        raise refusal(decision)
    return True


def refusal(decision: Decision) -> RateLimited:
    """The error of a request that is not let through."""
    return RateLimited(**decision.details)
