"""Alpha Vantage: US stocks, their statements and news, exchange rates and coins, 25 free calls a day."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stocks.providers.alpha_vantage.adapter import NAME, AlphaVantage
from stocks.providers.alpha_vantage.client import Client
from stocks.providers.alpha_vantage.quotas import PATIENCE_SECONDS, RATES
from stocks.providers.http import DEADLINE_SECONDS, Gateway
from stocks.providers.tools import Tools

__all__ = ["NAME", "AlphaVantage", "build"]


def build(tools: Tools, *, seconds: float = DEADLINE_SECONDS) -> AlphaVantage:
    """The adapter as the settings describe it; raises ImproperlyConfigured where the key is missing.

    ``seconds`` are those of a whole call.
    """
    key = settings.ALPHA_VANTAGE_API_KEY
    if not key:
        raise ImproperlyConfigured("MARKET_DATA names alpha_vantage, but ALPHA_VANTAGE_API_KEY is empty")
    budget = tools.budget(NAME, key, RATES, PATIENCE_SECONDS)
    gateway = Gateway(NAME, settings.ALPHA_VANTAGE_URL, budget=budget, secrets=[key], seconds=seconds)
    return AlphaVantage(Client(gateway, key), now=tools.now)
