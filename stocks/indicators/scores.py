"""Scores: how a stock ranks within its market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from stocks.indicators.bars import Array

#: The figures whose ranks a score averages; −1 where less is better.
SCORES: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "quality_score": (("roe", 1), ("operating_margin", 1), ("liabilities_to_equity", -1)),
    "value_score": (("earnings_yield", 1), ("book_yield", 1), ("sales_yield", 1)),
    "growth_score": (("revenue_yoy", 1), ("operating_profit_yoy", 1), ("net_profit_yoy", 1)),
    "momentum_score": (("mom_12_1", 1), ("change_6m", 1), ("change_3m", 1)),
}
#: Every figure that some score reads.
SCORE_INPUTS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(id_ for inputs in SCORES.values() for id_, _ in inputs)
)


def percentile_ranks(values: Array) -> Array:
    """The percentile of each value among the known ones, 0 (lowest) to 100 (highest).

    100 × (number below + half the number of others equal) / (number known − 1). Equal values share their
    mean rank. NaN stays NaN and counts for nobody; a single known value has no rank.
    """
    ranks = np.full(len(values), np.nan)
    known = np.isfinite(values)
    count = int(known.sum())
    if count < 2:
        return ranks
    _, which, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    ranks[known] = ((below + (counts - 1) / 2.0) * 100.0 / (count - 1))[which]
    return ranks


def scores(columns: Mapping[str, Array]) -> dict[str, Array]:
    """Every score by id for the stocks of one market, aligned with the columns given.

    Args:
        columns: the SCORE_INPUTS by id, one value a stock, NaN where unknown.

    Returns:
        Per score the mean of its inputs' ranks, 0 to 100; NaN where one of them is unknown.
    """
    return {
        score: np.mean([percentile_ranks(sign * columns[id_]) for id_, sign in inputs], axis=0)
        for score, inputs in SCORES.items()
    }
