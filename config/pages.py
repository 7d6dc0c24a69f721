"""The two pages: the dashboard and the API documentation, both served without any outside asset."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """The page a person opens first: live prices, charts and the screener."""
    return render(request, "dashboard.html", {"sandbox": "sandbox" in settings.MARKET_DATA})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from the installed package, over ``/v1/schema``."""
    return render(request, "docs.html")
