"""What the doors of market data have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope

#: Seconds for which others may keep a reply: prices move by the second, bars by the day.
LIVE, DAILY, FIXED = 1, 60, 300


class MarketDataView(APIView):
    """Market data: the same for everybody, so that a shared cache may keep it for ``max_age`` seconds.

    What was asked with credentials is kept nowhere, and neither is an error.
    """

    permission_classes = [AllowAny]
    # What is asked for in a body is read all the same.
    key_scopes: ClassVar[Mapping[str, str]] = {"POST": Scope.READ}
    max_age: int = LIVE

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        anonymous = "Authorization" not in request.headers and "X-API-Key" not in request.headers
        if anonymous and request.method in ("GET", "HEAD") and response.status_code == 200:
            response["Cache-Control"] = f"public, max-age={self.max_age}"
            response["Vary"] = "Accept, Authorization, X-API-Key"
        else:
            response["Cache-Control"] = "private, no-store"
        return response
