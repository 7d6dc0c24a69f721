"""The manners of the API for what is served beside Django and not by it: WebSockets and streams of events."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from accounts.connection_cache import key_prefix
from config.api.middleware import NOBODY, accepted_id, log_request, logged_together
from realtime.addresses import counted_address
from realtime.replies import Answered, Header, Manners, Principal, Scope


class ApiManners(Manners):
    """The headers of every reply of ours, and its place in the request log."""

    def request_id(self, given: str) -> str:
        return accepted_id(given)

    def headers(self, scope: Scope) -> tuple[Header, ...]:
        return _headers(_is_secure(scope))

    def log(
        self, scope: Scope, *, principal: Principal | None, status: int, seconds: float, request_id: str
    ) -> None:
        log_request(
            method=scope.get("method", "GET"),
            path=scope["path"],
            principal=getattr(principal, "email", NOBODY),
            status=status,
            seconds=seconds,
            request_id=request_id,
            user_id=None if principal is None else principal.user_id,
            key=key_prefix(getattr(principal, "credential", "")),
            endpoint=scope["path"] if status not in (404, 405) else "",
            address=counted_address(scope),
        )

    def log_all(self, answered: Sequence[Answered]) -> None:
        with logged_together():
            super().log_all(answered)


def _is_secure(scope: Scope) -> bool:
    """As Django sees it: by the header that a proxy sets where the settings name one."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return bool(scope.get("scheme") == "https")
    name, value = settings.SECURE_PROXY_SSL_HEADER
    header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    given = dict(scope["headers"]).get(header, b"").decode("latin-1")
    return bool(given.split(",")[0].strip() == value)


@lru_cache(maxsize=2)
def _headers(secure: bool) -> tuple[Header, ...]:
    """What the middleware that guards pages adds to a reply; it is the same for all of them."""
    request = HttpRequest()
    request.path = request.path_info = "/v1/events"
    if secure:
        setattr(request, "_get_scheme", lambda: "https")  # noqa: B010 (a method of the class)
    guarded: Any = SecurityMiddleware(CSPMiddleware(XFrameOptionsMiddleware(lambda _: HttpResponse())))
    reply: HttpResponse = guarded(request)
    return tuple(
        (name.lower().encode(), value.encode())
        for name, value in reply.items()
        if name.lower() != "content-type"
    )
