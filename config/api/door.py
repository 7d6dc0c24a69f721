"""The door of the REST side: what comes is counted for its address, before anybody asks who it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import limiter
from accounts.errors import RateLimited
from accounts.limiter import Decision
from accounts.throttling import ADDRESS, COUNTED_ADDRESS, COUNTED_ANONYMOUS, LEFT, AccountThrottle
from config.api.errors import refuse
from realtime.addresses import client_address

GetResponse = Callable[[HttpRequest], HttpResponse]

#: What is counted. Checks of health, metrics and files of pages are not.
_COUNTED = ("/v1/", "/admin/")
_CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY")


def address_in(environ: Mapping[str, Any]) -> str:
    """The address that a request is counted for, of its WSGI environment."""
    return client_address(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""))


class DoorMiddleware:
    """Counts a request for its address and, where it brings no credential, as one without a user.

    So is one whose credential turns out to be worth nothing: then its 401 becomes a 429. A view that counts
    in a way of its own says ``anonymous = False``.

    Where a credential is brought, the address is counted together with the account, as one step costs half of
    two; unless this process knows the address to have nothing left, and asks for it first. What was refused
    before its account was counted is counted for its address afterwards.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not limiter.limited() or not request.path.startswith(_COUNTED):
            return self.get_response(request)
        address = request.META.setdefault(ADDRESS, address_in(request.META))
        response = self.get_response(request)
        left = request.META.pop(LEFT, False)
        if _is_strangers(request, response):
            # Nothing of it was counted where no view was found for it.
            return _take_anonymous(request, address, first=left) or response
        if left:
            return _refusal(request, limiter.take_address(address=address)) or response
        return response

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Sequence[Any], named: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Django calls it when it has found the view, and before it calls that."""
        address = request.META.get(ADDRESS)
        if address is None:
            return None
        if _brings_credential(request) or not _is_for_anybody(request, view):
            if COUNTED_ADDRESS in request.META:
                return None
            request.META[COUNTED_ADDRESS] = True
            if _counts_account(request, view) and not limiter.is_spent(address=address):
                request.META[LEFT] = True
                return None
            return _refusal(request, limiter.take_address(address=address))
        return _take_anonymous(request, address)


def _is_for_anybody(request: HttpRequest, view: Any) -> bool:
    return request.path.startswith("/v1/") and getattr(getattr(view, "cls", None), "anonymous", True)


def _counts_account(request: HttpRequest, view: Any) -> bool:
    """Whether the view counts the account of whoever asks, before it does anything."""
    return _is_for_anybody(request, view) and AccountThrottle in getattr(view.cls, "throttle_classes", ())


def _brings_credential(request: HttpRequest) -> bool:
    return any(name in request.META for name in _CREDENTIALS)


def _is_strangers(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the reply went to somebody unknown, for whom nothing was counted."""
    if COUNTED_ANONYMOUS in request.META or hasattr(request, "rate_decision"):
        return False
    if not request.path.startswith("/v1/"):
        return False
    return response.status_code == 401 or (request.resolver_match is None and not _brings_credential(request))


def _take_anonymous(request: HttpRequest, address: str, *, first: bool = False) -> HttpResponse | None:
    first = first or COUNTED_ADDRESS not in request.META
    request.META[COUNTED_ANONYMOUS] = request.META[COUNTED_ADDRESS] = True
    decision = limiter.take_anonymous(address=address, first=first)
    if decision is not None:
        setattr(request, "rate_decision", decision)  # noqa: B010 (HttpRequest declares no such attribute)
    return _refusal(request, decision)


def _refusal(request: HttpRequest, decision: Decision | None) -> HttpResponse | None:
    """The reply to what is not let through; None for what is."""
    if decision is None or decision.allowed:
        return None
    setattr(request, "rate_decision", decision)  # noqa: B010 (as above)
    response = refuse(request, RateLimited(**decision.details))
    response["Cache-Control"] = "no-store"
    return response
