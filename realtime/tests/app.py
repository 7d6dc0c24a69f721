"""The realtime floor alone as an ASGI application: no app above it, no database."""

from __future__ import annotations

import json
import os
from ipaddress import ip_network

import django
from django.conf import settings

_LOGGERS = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")

settings.configure(
    INSTALLED_APPS=["channels", "realtime"],
    ALLOWED_HOSTS=["*"],
    REDIS_URL=os.environ["REDIS_URL"],
    REALTIME_ROOMS={
        "price": "realtime.tests.cast.KnowingRoom",
        "market": "realtime.tests.cast.OpenRoom",
        "alert": "realtime.tests.cast.OpenLog",
        "portfolio": "realtime.tests.cast.OwnLog",
    },
    REALTIME_ASGI_APPLICATION="realtime.tests.app.application",
    REALTIME_AUTHENTICATE="realtime.tests.cast.authenticate",
    REALTIME_AUTHENTICATE_COOKIE="realtime.tests.cast.authenticate_cookie",
    REALTIME_DEFAULT_ROOMS="realtime.tests.cast.default_rooms",
    REALTIME_RECHECK="realtime.tests.cast.recheck",
    REALTIME_MAX_ROOMS={"free": 3, "basic": 100, "pro": 500},
    REALTIME_MAX_CONNECTIONS={"free": 2, "basic": 5, "pro": 20},
    TRUSTED_PROXIES=[ip_network("127.0.0.1/32")],
    REALTIME_LIMITS=json.loads(os.environ.get("REALTIME_LIMITS", "{}")),
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"queries": {"()": "realtime.logs.DropQueries"}},
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {
            **{name: {"filters": ["queries"]} for name in _LOGGERS},
            "uvicorn.access": {"filters": ["queries"], "handlers": ["console"]},
        },
    },
)
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (Django is set up first)

from realtime.routing import HttpRouter, http_routes, websocket_routes  # noqa: E402
from realtime.tests.inside import inside_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": HttpRouter(otherwise=URLRouter([*inside_urlpatterns, *http_routes()])),
        "websocket": URLRouter(websocket_routes()),
    }
)
