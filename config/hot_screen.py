"""The short way of ``POST /v1/screen`` with an access token, where the figures are in memory."""

from __future__ import annotations

import io
from typing import Any

from rest_framework.exceptions import APIException

from config.api.json import dumps_exact, loads_strict
from config.short_way import Body, Environ, ShortWay, script
from screening.engine import current_view, find_in, view_for
from screening.replies import screen_reply
from screening.serializers import RunScreen

PATH = "/v1/screen"
#: Longer bodies than any screen that somebody wrote go the long way.
MAX_BYTES = 16_384


class HotScreen(ShortWay[bytes]):
    """It answers screens that are well written; what is wrong with others the view says."""

    method = "POST"
    path = PATH
    script = script("hot_standing")

    def asked(self, environ: Environ) -> bytes | None:
        length = environ.get("CONTENT_LENGTH") or ""
        if (
            environ.get("QUERY_STRING")
            or environ.get("CONTENT_TYPE") != "application/json"
            or not (length.isascii() and length.isdigit() and 0 < int(length[:6]) <= MAX_BYTES)
            or current_view() is None
        ):
            return None
        raw: bytes = environ["wsgi.input"].read(int(length))
        # For Django, should it have to answer.
        environ["wsgi.input"] = io.BytesIO(raw)
        return raw if len(raw) == int(length) else None

    def body(self, asked: bytes, answer: Any) -> Body | None:
        if (view := current_view()) is None:
            return None
        try:
            screen = RunScreen.read(loads_strict(asked), markets=view.snapshot.markets)
        except APIException:
            return None
        if (view := view_for(screen)) is None:
            return None
        content = dumps_exact(screen_reply(screen, find_in(view, screen)))
        return Body(content, (("Content-Length", str(len(content))),))
