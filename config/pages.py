"""The dashboard, and the API documentation with its page: all served without any outside asset."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.errors import reading_only
from config.api.json import ExactJSONRenderer


@reading_only
def dashboard(request: HttpRequest) -> HttpResponse:
    """The page a person opens first: live prices, charts and the screener."""
    return render(request, "dashboard.html", {"sandbox": "sandbox" in settings.MARKET_DATA})


@reading_only
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from the installed package, over ``/v1/schema``."""
    return render(request, "docs.html")


class SchemaView(SpectacularAPIView):
    """The OpenAPI document as YAML or JSON; what goes wrong is JSON as everywhere."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400:
            response.accepted_renderer = ExactJSONRenderer()
            response.accepted_media_type = ExactJSONRenderer.media_type
        return response
