"""Indicators that follow the data: computed anew when bars, statements or actions have changed."""

from __future__ import annotations

from django.core.cache import cache

from stocks.compute import compute_indicators
from stocks.dataset import data_version

#: The version of the data that the stored indicators follow. Lost with Redis, it costs one computation.
_FOLLOWED = "stocks:indicators:version"


def indicators_refresh() -> bool:
    """Compute all indicators if the data moved on since the last time; says whether it did."""
    before = data_version()
    if cache.get(_FOLLOWED) == before:
        return False
    compute_indicators()
    follows(before)
    return True


def follows(before: int) -> None:
    """Remember that the stored indicators follow the data of version ``before``.

    The computation itself counts as one change at most. More than that came from elsewhere meanwhile, and
    may have come too late for it.
    """
    after = data_version()
    cache.set(_FOLLOWED, after if after - before <= 1 else before, timeout=None)
