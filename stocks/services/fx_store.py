"""Exchange rates on their way into the database: the newest of each day, as far as it can be true."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection, transaction

from stocks.gate import BELIEVED, near
from stocks.providers.mesh.mesh import Answer, mesh
from stocks.selectors.reports import stored_rates
from stocks.services.keeping import claim_for
from stocks.types import FxRate

logger = logging.getLogger(__name__)

#: Within this time a rate does not become a half or the double of itself.
REFERENCE_FOR: Final = timedelta(days=7)
_AHEAD = timedelta(seconds=5)
_PLACES = Decimal("1E-10")
_LARGEST = Decimal(10) ** 10

_WRITE = """
INSERT INTO stocks_fxrate AS stored (base, quote, date, rate, as_of, received_at, source)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::date[], %s::numeric[], %s::timestamptz[], %s::timestamptz[], %s::text[]
)
ON CONFLICT (base, quote, date) DO UPDATE SET
    rate = excluded.rate, as_of = excluded.as_of, received_at = excluded.received_at,
    source = excluded.source
  WHERE excluded.as_of >= stored.as_of
"""


def fx_refresh(base: str, quotes: Sequence[str], *, now: datetime) -> Answer[Sequence[FxRate]]:
    """Ask the mesh for the latest rates of ``base`` and keep them; raises ProviderError."""
    answer = mesh().fx_rates(base, quotes)
    keep(answer, now=now)
    return answer


def keep(answer: Answer[Sequence[FxRate]], *, now: datetime) -> None:
    """Store the rates of an answer as those of its source."""
    with transaction.atomic():
        claim_for(answer.source)
        rates_store(answer.value, now=now)


def rates_store(given: Iterable[FxRate], *, now: datetime) -> int:
    """Keep the newest rate of each day; returns how many of those given are believed.

    One that is no rate, of a time to come, or far from the last one of its pair is left out.
    """
    newest: dict[tuple[str, str, date], FxRate] = {}
    for one in given:
        if (why := _why_refused(one, now)) is not None:
            _say_refused(one, why)
            continue
        key = (one.base, one.quote, day_of(one.as_of))
        if key not in newest or one.as_of >= newest[key].as_of:
            newest[key] = one
    # In one order for every writer, so that two never wait for each other in a circle.
    believed = _believed([newest[key] for key in sorted(newest)])
    if believed:
        rows = [
            (*(one.base, one.quote, day_of(one.as_of)), one.rate, one.as_of, one.received_at, one.source)
            for one in believed
        ]
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [list(column) for column in zip(*rows, strict=True)])
    return len(believed)


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _why_refused(rate: FxRate, now: datetime) -> str | None:
    if rate.base == rate.quote:
        return "a currency in itself"
    if not rate.rate.is_finite() or not 0 < rate.rate < _LARGEST or not rate.rate.quantize(_PLACES):
        return "no rate"
    if rate.as_of > now + _AHEAD:
        return "of a time to come"
    return None


def _believed(given: Sequence[FxRate]) -> list[FxRate]:
    """Those near the last rate of their pair, where that is of the days just before."""
    if not given:
        return []
    days = [day_of(one.as_of) for one in given]
    pairs = {(one.base, one.quote) for one in given}
    last_known = stored_rates(pairs, first=min(days) - REFERENCE_FOR, last=max(days))
    believed = []
    for one in given:
        last = last_known.get((one.base, one.quote))
        recent = last is not None and abs(one.as_of - last.as_of) < REFERENCE_FOR
        if last is None or not recent or near(one.rate, last.rate, BELIEVED):
            believed.append(one)
        else:
            _say_refused(one, f"{one.rate} after {last.rate}")
    return believed


def _say_refused(rate: FxRate, why: str) -> None:
    logger.warning("a rate of %s/%s from %s is refused: %s", rate.base, rate.quote, rate.source, why)
