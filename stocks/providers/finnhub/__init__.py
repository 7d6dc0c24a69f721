"""Finnhub: US stocks over HTTP and as they trade, news and coins, 60 free calls a minute."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stocks.providers.finnhub.adapter import NAME, Finnhub
from stocks.providers.finnhub.client import Client
from stocks.providers.finnhub.line import Line
from stocks.providers.finnhub.quotas import PATIENCE_SECONDS, RATES
from stocks.providers.http import DEADLINE_SECONDS, Gateway
from stocks.providers.tools import Tools

__all__ = ["NAME", "Finnhub", "build"]


def build(tools: Tools, *, seconds: float = DEADLINE_SECONDS) -> Finnhub:
    """The adapter as the settings describe it; raises ImproperlyConfigured where the key is missing.

    ``seconds`` are those of a whole call. The key travels in a header, and in the address of the stream.
    """
    key = settings.FINNHUB_API_KEY
    if not key:
        raise ImproperlyConfigured("MARKET_DATA names finnhub, but FINNHUB_API_KEY is empty")
    gateway = Gateway(
        NAME,
        settings.FINNHUB_URL,
        budget=tools.budget(NAME, key, RATES, PATIENCE_SECONDS),
        secrets=[key],
        headers={"X-Finnhub-Token": key},
        seconds=seconds,
    )
    return Finnhub(Client(gateway), Line(settings.FINNHUB_WS_URL, key), now=tools.now)
