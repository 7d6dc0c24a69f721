"""Pages behind links that were mailed; a program that asks for JSON gets JSON from the same address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.views.base import NO_STORE


class JSONUnlessPage(DefaultContentNegotiation):
    """A browser that asks for HTML gets the page; errors are the same JSON as everywhere."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def wants_page(request: Request) -> bool:
    """Whether a browser asks."""
    return "text/html" in request.headers.get("Accept", "")


def page(request: Request, template: str, context: Mapping[str, str], *, status: int = 200) -> HttpResponse:
    """A page whose address holds a secret: nothing it links to may receive it as a referrer."""
    headers = {**NO_STORE, "Referrer-Policy": "no-referrer"}
    body = render_to_string(template, context, request=request._request)
    return HttpResponse(body, status=status, headers=headers)
