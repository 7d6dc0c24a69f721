"""The providers that ``MARKET_DATA`` may name, and the order in which each capability asks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from stocks.errors import SandboxAndRealData
from stocks.models import Dataset
from stocks.providers.mesh.quota import Quota
from stocks.providers.mesh.shared import forget_quotas, made_quotas, shared_tools
from stocks.providers.protocol import PROTOCOLS, Capability, Provider
from stocks.providers.sandbox import NAME as SANDBOX
from stocks.providers.tools import Tools

#: Where each adapter is made; imported only when MARKET_DATA names it.
BUILDERS = {
    SANDBOX: "stocks.sandbox_fill.provider.build",
    "yahoo": "stocks.providers.yahoo.build",
    "alpha_vantage": "stocks.providers.alpha_vantage.build",
    "finnhub": "stocks.providers.finnhub.build",
    "kis": "stocks.providers.kis.build",
}
Build = Callable[[Tools], Provider]


def providers() -> Sequence[Provider]:
    """The configured providers in their order.

    Raises ImproperlyConfigured for a name that is none or a provider without its key, and SandboxAndRealData
    as ``refuse_mixture`` does.
    """
    known = configured()
    refuse_mixture()
    return [known[name] for name in settings.MARKET_DATA]


def order(capability: Capability) -> list[Provider]:
    """The providers to ask for a capability, first to last; those without it are left out.

    ``MARKET_DATA_<CAPABILITY>`` gives an order of its own, else it is that of MARKET_DATA.
    """
    known = configured()
    names = settings.MARKET_DATA_ORDER.get(capability.value) or settings.MARKET_DATA
    return [known[name] for name in names if isinstance(known[name], PROTOCOLS[capability])]


@cache
def configured() -> Mapping[str, Provider]:
    """Every provider that a setting names, by name; made once a process. Raises as ``providers`` does."""
    names = dict.fromkeys([*settings.MARKET_DATA, *chain.from_iterable(settings.MARKET_DATA_ORDER.values())])
    unknown = [name for name in names if name not in BUILDERS]
    if unknown:
        raise ImproperlyConfigured(
            f"MARKET_DATA names {', '.join(unknown)}; known are {', '.join(BUILDERS)} and none"
        )
    if absent := [name for name in names if name not in settings.MARKET_DATA]:
        raise ImproperlyConfigured(
            f"an order of one capability names {', '.join(absent)}, but MARKET_DATA does not"
        )
    tools = shared_tools()
    builders: dict[str, Build] = {name: import_string(BUILDERS[name]) for name in names}
    return {name: build(tools) for name, build in builders.items()}


def quotas_of(name: str) -> Sequence[Quota]:
    """The quotas that a provider was given, for showing what is spent of them."""
    return [quota for quota in made_quotas() if quota.provider == name]


def _forget(*, setting: str, **_: object) -> None:
    if setting.startswith(("MARKET_DATA", "ALPHA_VANTAGE_", "FINNHUB_", "KIS_", "YAHOO_", "REDIS_URL")):
        configured.cache_clear()
        forget_quotas()


setting_changed.connect(_forget)


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
