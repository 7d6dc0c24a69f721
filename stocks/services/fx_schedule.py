"""The exchange rates between the currencies of our markets, asked for every hour."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from stocks.models import Stock
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.protocol import Capability
from stocks.providers.registry import refuse_mixture
from stocks.rates import COMMON
from stocks.services.asking import Asker, Stopped, is_live
from stocks.services.fx_store import rates_store
from stocks.services.jobs import Run, job_run, slot_of
from stocks.services.keeping import claim_for

TASK: Final = "refresh_fx"
SLOT_SECONDS: Final = 3600
RUN_SECONDS: Final = 200.0
#: One currency is quoted in all others; what these are worth in each other is worked out of that.
BASE: Final = COMMON[0]


def run_fx(*, now: datetime, asker: Asker | None = None) -> Run | None:
    """Ask for the rates, once an hour; nothing where no provider has them, or while currencies rest.

    Raises SandboxAndRealData.
    """
    quotes = wanted_currencies() if is_live(Capability.FX) and not rest(now) else []
    if not quotes:
        return None
    refuse_mixture()
    with job_run(task=TASK, slot=slot_of(now, SLOT_SECONDS), now=now) as run:
        if run is not None:
            _refresh(quotes, run, now, asker or Asker(seconds=RUN_SECONDS, patience=5.0))
    return run


def wanted_currencies() -> list[str]:
    """The currencies of listed stocks beside the base, where there is more than one in all."""
    found = Stock.objects.filter(is_active=True).order_by().values_list("currency", flat=True).distinct()
    currencies = set(found)
    return sorted(currencies - {BASE}) if len(currencies) > 1 else []


def rest(now: datetime) -> bool:
    """Currencies are traded from Sunday evening to Friday evening, by New York."""
    day, hour = now.isoweekday(), now.hour
    return day == 6 or (day == 7 and hour < 21) or (day == 5 and hour >= 23)


def _refresh(quotes: list[str], run: Run, now: datetime, asker: Asker) -> None:
    try:
        answer = asker.ask(Capability.FX, lambda mesh: mesh.fx_rates(BASE, quotes))
    except (NotFound, NotOffered):
        run.count("missing", len(quotes))
    except Stopped as stop:
        run.fail(stop.reason)
    except ProviderError as error:
        run.fail(error.message)
    else:
        wanted = [rate for rate in answer.value if rate.base == BASE and rate.quote in quotes]
        with transaction.atomic():
            claim_for(answer.source)
            stored = rates_store(wanted, now=now)
        run.count("stored", stored)
        run.count("refused", len(wanted) - stored)
        run.count("missing", len(set(quotes) - {rate.quote for rate in wanted}))
