"""A provider to copy: an invented service that has quotes and daily bars, whole and held to the contract.

Copy this directory to ``stocks/providers/<name>/`` and go through it file by file; docs/providers.md says in
which order, and what else a provider has to name.
"""

from __future__ import annotations

from django.conf import settings

from stocks.providers._template.adapter import NAME, Template
from stocks.providers._template.client import Client
from stocks.providers._template.quotas import PATIENCE_SECONDS, RATES
from stocks.providers.http import Gateway
from stocks.providers.tools import Tools

__all__ = ["NAME", "Template", "build"]


def build(tools: Tools) -> Template:
    """The adapter as the settings describe it; ``stocks/providers/registry.py`` calls it once a process.

    A real one reads ``settings.<NAME>_URL`` and ``settings.<NAME>_API_KEY``, declared in config/settings.py
    and .env.example, and raises ImproperlyConfigured where a key that it needs is empty.
    """
    url = getattr(settings, "TEMPLATE_URL", "https://api.template.invalid")
    key = getattr(settings, "TEMPLATE_API_KEY", "demo")
    budget = tools.budget(NAME, key, RATES, PATIENCE_SECONDS)
    gateway = Gateway(NAME, url, budget=budget, secrets=[key], headers={"X-Api-Key": key})
    return Template(Client(gateway), now=tools.now)
