"""The realtime floor alone as an ASGI application: no app above it, no database."""

from __future__ import annotations

import json
import os

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["channels", "realtime"],
    ALLOWED_HOSTS=["*"],
    REDIS_URL=os.environ["REDIS_URL"],
    REALTIME_ROOMS={
        **dict.fromkeys(("price", "market"), "realtime.tests.cast.OpenRoom"),
        "alert": "realtime.tests.cast.OpenLog",
    },
    REALTIME_AUTHENTICATE="realtime.tests.cast.authenticate",
    REALTIME_MAX_ROOMS={"free": 3, "basic": 100, "pro": 500},
    REALTIME_LIMITS=json.loads(os.environ.get("REALTIME_LIMITS", "{}")),
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"queries": {"()": "realtime.logs.DropQueries"}},
        "loggers": {name: {"filters": ["queries"]} for name in ("uvicorn.error", "uvicorn.access")},
    },
)
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (Django is set up first)

from realtime.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"websocket": URLRouter(websocket_urlpatterns)})
