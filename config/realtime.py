"""Realtime alone as an ASGI application: what `manage.py runrealtime` serves, without the REST side."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import ParseResult, urlparse

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings

from config.api.streams import ApiManners
from realtime.opening import Opening
from realtime.routing import HttpRouter, http_routes, websocket_routes

MANNERS = ApiManners()


class BrowserOriginValidator(OriginValidator):
    """Refuses foreign pages; programs that are no browser send no Origin and pass."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if self.valid_origin(_origin(scope)):
            return await self.application(scope, receive, send)
        Opening(MANNERS, scope).log(403)
        return await WebsocketDenier()(scope, receive, send)

    def valid_origin(self, parsed_origin: Any) -> bool:
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


def _origin(scope: dict[str, Any]) -> ParseResult | None:
    given = [value for name, value in scope.get("headers", ()) if name == b"origin"]
    return urlparse(given[-1].decode("latin-1")) if given else None


websockets = BrowserOriginValidator(URLRouter(websocket_routes(MANNERS)), settings.ALLOWED_HOSTS)
with_events = partial(HttpRouter, manners=MANNERS)
application = ProtocolTypeRouter(
    {"http": with_events(URLRouter(http_routes(MANNERS))), "websocket": websockets}
)
