"""What the services of reports have in common: whose data they keep, and how fresh it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from stocks.dataset import claim
from stocks.models import Dataset
from stocks.providers.sandbox import NAME as SANDBOX
from stocks.services.read_through import Freshness, ensure_fresh

#: For how long it is believed that nobody has something.
MISSING_FOR: Final = timedelta(days=1)


def claim_for(source: str) -> None:
    """Mark the database as holding what ``source`` deals in; raises SandboxAndRealData."""
    claim(Dataset.Origin.SANDBOX if source == SANDBOX else Dataset.Origin.REAL)


def kept_fresh(
    name: str,
    *,
    offered: bool,
    have: bool,
    fresh_for: timedelta,
    refresh: Callable[[], str],
    now: datetime,
) -> Freshness:
    """``ensure_fresh`` where a provider can be asked; else what is stored is all there is, and stale."""
    if not offered:
        return Freshness(None, stale=have, missing=not have)
    return ensure_fresh(
        name, have=have, fresh_for=fresh_for, missing_for=MISSING_FOR, refresh=refresh, now=now
    )
