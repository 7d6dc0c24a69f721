"""Replies made for one user are kept by no cache, and say what is left of the user's limits."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.limiter import Decision

GetResponse = Callable[[HttpRequest], HttpResponse]


class PrivateRepliesMiddleware:
    """Marks every reply to a request that carried credentials ``private, no-store``."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Authorization" in request.headers or "X-API-Key" in request.headers:
            response["Cache-Control"] = "private, no-store"
        return response


class RateLimitHeadersMiddleware:
    """Tells on every reply to a counted request what is left of the account's limits."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        decision: Decision | None = getattr(request, "rate_decision", None)
        if decision is not None:
            for name, value in decision.headers():
                response[name] = value
        return response
