"""Who is at the other end: `settings.REALTIME_AUTHENTICATE` turns a token into a principal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from realtime.protocol.frames import MAX_TOKEN


class Principal(Protocol):
    """A signed-in user. ``expires_at`` is when the token ends, None for one that does not."""

    @property
    def user_id(self) -> UUID: ...

    @property
    def tier(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...


def authenticate(token: str) -> Principal | None:
    """The principal that a token stands for; None where it is refused. May use the ORM."""
    if not (token.isascii() and token.isprintable()):
        return None
    function: Callable[[str], Principal | None] = import_string(settings.REALTIME_AUTHENTICATE)
    return function(token)


def offered_token(scope: dict[str, Any]) -> str | None:
    """The token of a handshake: `Authorization: Bearer|Token …`, `X-API-Key`, or `?token=`; None without.

    A browser can set no header, so for it there are `?token=` and the first frame.
    """
    # Reversed, so that the first of repeated headers counts.
    headers = dict(reversed(scope.get("headers", [])))
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if token and scheme.lower() in ("bearer", "token"):
        return token.strip()[:MAX_TOKEN]
    if key := headers.get(b"x-api-key", b"").decode("latin-1").strip():
        return key[:MAX_TOKEN]
    try:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:
        return None
    return query["token"][0][:MAX_TOKEN] if "token" in query else None
