"""KIS Open API: live prices, order books and raw daily bars of the Korean markets, for holders of a key."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stocks.providers.kis.adapter import Kis
from stocks.providers.kis.client import Client
from stocks.providers.kis.stream import PriceStream
from stocks.providers.tools import Tools


def build(tools: Tools) -> Kis:
    """The adapter that the settings ``KIS_…`` describe; raises ImproperlyConfigured without a key."""
    for name in ("KIS_APP_KEY", "KIS_APP_SECRET"):
        if not getattr(settings, name):
            raise ImproperlyConfigured(f"MARKET_DATA names kis, but {name} is not set")
    client = Client(
        tools, app_key=settings.KIS_APP_KEY, app_secret=settings.KIS_APP_SECRET, url=settings.KIS_URL
    )
    stream = PriceStream(settings.KIS_WS_URL, approval_key=client.approval_key, now=tools.now)
    return Kis(client, stream, now=tools.now)
