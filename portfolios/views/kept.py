"""Replies that are kept for a while, as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.encoding import force_bytes
from rest_framework.request import Request

from portfolios.caching import kept
from portfolios.models import Portfolio


def kept_json(
    request: Request,
    portfolio: Portfolio,
    view: str,
    options: Mapping[str, Any],
    *,
    now: datetime,
    make: Callable[[], Any],
) -> HttpResponse:
    """The JSON reply of ``view`` to ``options``: kept, or that of what ``make`` returns."""

    def rendered() -> bytes:
        return force_bytes(request.accepted_renderer.render(make()))

    body = kept(portfolio, view, options, now=now, make=rendered)
    return HttpResponse(body, content_type="application/json")
