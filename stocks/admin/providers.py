"""How the providers do: their order, calls, breakers and quotas; a breaker can be closed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import redis
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from stocks.admin.doors import acting, page, shown, write_down
from stocks.providers import registry
from stocks.providers.mesh.breaker import HEALTH_MINUTES, WHOLE, Reading, State
from stocks.providers.mesh.mesh import ProviderHealth, QuotaReading, mesh
from stocks.providers.protocol import Capability


@dataclass(frozen=True, slots=True)
class Breaker:
    """A row: ``place`` is where the provider stands in the order of the capability, from 1 on."""

    capability: str
    place: int | None
    reading: Reading

    @property
    def is_closed(self) -> bool:
        return self.reading.state is State.CLOSED


@dataclass(frozen=True, slots=True)
class Row:
    """A provider; each quota with the calls that it still allows."""

    health: ProviderHealth
    breakers: Sequence[Breaker]
    quotas: Sequence[tuple[QuotaReading, int]]


@shown
def health(request: HttpRequest) -> HttpResponse:
    """The page."""
    rows: list[Row] = []
    try:
        rows += [_row(one) for one in mesh().health()]
    except redis.RedisError:
        messages.error(request, "Redis does not answer, so nobody knows how the providers do.")
    context = page(request, "Providers", rows=rows, minutes=HEALTH_MINUTES)
    return render(request, "admin/stocks/providers.html", context)


@acting
def close(request: HttpRequest) -> HttpResponse:
    """Close one breaker, so that the next call goes out."""
    provider, capability = request.POST.get("provider", ""), request.POST.get("capability", "")
    if provider not in registry.configured() or capability not in (WHOLE, *Capability):
        messages.error(request, "There is no such breaker.")
        return redirect("operations:providers")
    try:
        mesh().close_breaker(provider, capability)
    except redis.RedisError:
        messages.error(request, "Redis does not answer; the breaker stays as it is.")
        return redirect("operations:providers")
    what = "everything" if capability == WHOLE else capability
    write_down(request, f"The breaker of {provider} for {what}", "closed")
    messages.success(request, f"{provider} is asked for {what} again.")
    return redirect("operations:providers")


def _row(one: ProviderHealth) -> Row:
    breakers = [Breaker(WHOLE, None, one.whole)]
    breakers += [
        Breaker(capability.value, one.places[capability] + 1, reading)
        for capability, reading in one.breakers.items()
    ]
    quotas = [(quota, max(quota.calls - quota.spent, 0)) for quota in one.quotas]
    return Row(one, breakers, quotas)
