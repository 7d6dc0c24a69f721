"""Overviews of markets as they are handed out: worked out once for everybody, and anew every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from stocks.models import Dataset
from stocks.selectors.overview import MarketOverview, market_overviews
from stocks.services.kept import kept

#: No overview is older than this, and none outlives the version of the data it was made from.
KEPT_SECONDS: Final = 10.0


def overview_document(
    market: str, *, now: datetime, render: Callable[[Sequence[MarketOverview], bool], bytes]
) -> bytes:
    """The rendered overviews of one market or of ALL.

    Args:
        market: the code of a market that exists, or ALL.
        now: the moment that they are of, where they are worked out anew.
        render: writes the overviews; told whether this database holds the sandbox market.
    """
    version, origin = Dataset.objects.values_list("version", "origin").get(id=1)

    def build() -> bytes:
        return render(market_overviews(market, now=now), origin == Dataset.Origin.SANDBOX)

    return kept(f"overview:{version}:{market}", seconds=KEPT_SECONDS, build=build)
