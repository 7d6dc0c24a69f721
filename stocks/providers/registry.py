"""The providers that ``MARKET_DATA`` may name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stocks.errors import SandboxAndRealData
from stocks.models import Dataset
from stocks.providers.protocol import Provider
from stocks.providers.sandbox import NAME as SANDBOX
from stocks.providers.sandbox import Sandbox
from stocks.quotes import last_ticks

PROVIDERS: dict[str, Callable[[], Provider]] = {
    SANDBOX: lambda: Sandbox(last_ticks=last_ticks),
}


def providers() -> Sequence[Provider]:
    """The configured providers in their order.

    Raises ImproperlyConfigured for a name that is none, and SandboxAndRealData as ``refuse_mixture`` does.
    """
    unknown = [name for name in settings.MARKET_DATA if name not in PROVIDERS]
    if unknown:
        raise ImproperlyConfigured(
            f"MARKET_DATA names {', '.join(unknown)}; known are {', '.join(PROVIDERS)} and none"
        )
    refuse_mixture()
    return [PROVIDERS[name]() for name in settings.MARKET_DATA]


def refuse_mixture() -> None:
    """Raise SandboxAndRealData where MARKET_DATA and the database are of different kinds."""
    names = settings.MARKET_DATA
    if SANDBOX in names and len(names) > 1:
        raise SandboxAndRealData("MARKET_DATA names the sandbox beside real providers; the two never mix.")
    origin = Dataset.objects.values_list("origin", flat=True).get(id=1)
    if origin == Dataset.Origin.SANDBOX and SANDBOX not in names:
        raise SandboxAndRealData(
            f"This database holds the sandbox market, but MARKET_DATA is {','.join(names) or 'none'}; "
            "the two never mix. Start an empty one with another directory: "
            f"STATE_DIR=.state-real MARKET_DATA={','.join(names) or 'none'} make run."
        )
    if origin == Dataset.Origin.REAL and SANDBOX in names:
        raise SandboxAndRealData(
            "This database holds real data, but MARKET_DATA is sandbox; the two never mix. Start the sandbox "
            "with another directory (STATE_DIR=.state-sandbox make run), or serve what is here with "
            "MARKET_DATA=none."
        )
