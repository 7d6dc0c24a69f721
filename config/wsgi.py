"""The REST side: WSGI, served by granian in production and joined to the one port by ``config.asgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL_SIZE", "16")

_django = get_wsgi_application()

from config.hot import HotRead  # noqa: E402 - it needs models, and Django is set up only now
from config.hot_screen import HotScreen  # noqa: E402 - as well

application = HotScreen(HotRead(_django))
