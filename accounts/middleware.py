"""Replies made for one user are kept by no cache."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
