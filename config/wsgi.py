"""The REST side: WSGI, served by granian in production and joined to the one port by ``config.asgi``."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL_SIZE", "16")

_django = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 - what it resolves needs Django set up

from config.hot import HotRead  # noqa: E402 - it needs models, and Django is set up only now
from config.hot_screen import HotScreen  # noqa: E402 - as well
from config.hot_trade import HotTrade  # noqa: E402 - as well

# Else the first request would load all views.
_ = get_resolver().url_patterns

application = HotScreen(HotRead(HotTrade(_django)))

# What is loaded stays: the collector need not walk through it while requests wait.
gc.collect()
gc.freeze()
