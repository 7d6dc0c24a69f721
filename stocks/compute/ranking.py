"""Scores across a market, from the figures that are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import numpy as np

from stocks.compute.writing import update_figures
from stocks.indicators.scores import SCORE_INPUTS, SCORES, scores
from stocks.models import LatestIndicators, Stock

#: A stock whose last bar lies this far behind its market's newest has left the comparison.
RANKED_WITHIN_DAYS: Final = 30


def rank_markets(markets: Collection[str]) -> frozenset[int]:
    """Rank every stock of the markets anew and return the ids of those whose scores changed.

    The inputs are read back from the table, so that computing one stock leaves the same scores as computing
    all. Only equities are ranked, and only those that still trade: see RANKED_WITHIN_DAYS.
    """
    rows = (
        LatestIndicators.objects.filter(stock__market_id__in=markets)
        .order_by("stock_id")
        .values_list("stock_id", "stock__market_id", "stock__kind", "date", *SCORE_INPUTS)
    )
    table = list(rows)
    if not table:
        return frozenset()
    stock_ids, market_ids, kinds, days, *inputs = zip(*table, strict=True)
    market_of = np.array(market_ids)
    day_of = np.array(days, dtype="datetime64[D]")
    is_equity = np.array(kinds) == Stock.Kind.EQUITY.value
    columns = {
        id_: np.array(column, dtype=np.float64) for id_, column in zip(SCORE_INPUTS, inputs, strict=True)
    }
    result = np.full((len(stock_ids), len(SCORES)), np.nan)
    for market in markets:
        in_market = (market_of == market) & is_equity
        if not in_market.any():
            continue
        newest = day_of[in_market].max()
        ranked = in_market & (newest - day_of <= timedelta(days=RANKED_WITHIN_DAYS))
        found = scores({id_: column[ranked] for id_, column in columns.items()})
        result[ranked] = np.column_stack(list(found.values()))
    return update_figures(np.array(stock_ids, dtype=np.int32), day_of, result, tuple(SCORES))
