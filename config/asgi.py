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
from channels.routing import ProtocolTypeRouter

from config.api.bodies import WholeBodies
from config.api.lifespan import lifespan
from config.realtime import websockets, with_events

application = ProtocolTypeRouter(
    {
        "http": with_events(WholeBodies(cast(Any, WSGIMiddleware(cast(Any, wsgi_application), workers=16)))),
        "websocket": websockets,
        "lifespan": lifespan,
    }
)
