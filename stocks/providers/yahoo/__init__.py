"""Yahoo Finance: many markets, no key, no promise."""

from __future__ import annotations

from django.conf import settings

from stocks.providers.http import DEADLINE_SECONDS
from stocks.providers.tools import Tools
from stocks.providers.yahoo.adapter import NAME, Yahoo
from stocks.providers.yahoo.client import Client
from stocks.providers.yahoo.quotas import PATIENCE_SECONDS, RATES

__all__ = ["NAME", "Yahoo", "build"]


def build(tools: Tools, *, seconds: float = DEADLINE_SECONDS) -> Yahoo:
    """The adapter as the settings have it; all processes share its budget.

    ``seconds`` are those of a whole answer, with the cookie and the crumb that it may need.
    """
    budget = tools.budget(NAME, "", RATES, PATIENCE_SECONDS)
    client = Client(budget=budget, base_url=settings.YAHOO_URL, seconds=seconds)
    return Yahoo(client, settings.YAHOO_WS_URL, tools.now)
