"""Realtime alone as an ASGI application: what `manage.py runrealtime` serves, without the REST side."""

from __future__ import annotations

from functools import partial
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings

from config.api.streams import ApiManners
from realtime.routing import HttpRouter, http_urlpatterns, websocket_urlpatterns


class BrowserOriginValidator(OriginValidator):
    """Refuses foreign pages; programs that are no browser send no Origin and pass."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


websockets = BrowserOriginValidator(URLRouter(websocket_urlpatterns), settings.ALLOWED_HOSTS)
with_events = partial(HttpRouter, manners=ApiManners())
application = ProtocolTypeRouter({"http": with_events(URLRouter(http_urlpatterns)), "websocket": websockets})
