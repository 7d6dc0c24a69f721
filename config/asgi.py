"""One port for all: WebSockets go to realtime, everything else to the WSGI application in threads.

A thread pool under a WSGI handler serves two to three times what Django's ASGI handler serves on the same
core (docs/decisions/0001), so ASGI is kept for connections that stay open.
"""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL_SIZE", "16")

from config.wsgi import application as wsgi_application  # isort: skip  (sets Django up first)

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings

from config.api.bodies import WholeBodies
from realtime.routing import websocket_urlpatterns


class BrowserOriginValidator(OriginValidator):
    """Refuses foreign pages; programs that are no browser send no Origin and pass."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


application = ProtocolTypeRouter(
    {
        "http": WholeBodies(cast(Any, WSGIMiddleware(cast(Any, wsgi_application), workers=16))),
        "websocket": BrowserOriginValidator(URLRouter(websocket_urlpatterns), settings.ALLOWED_HOSTS),
    }
)
