"""Scores: how a stock ranks within its market and its sector, and which old rules of thumb it meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array

Groups = npt.NDArray[np.int64]

#: The figures whose ranks within the market a score averages; −1 where less is better.
SCORES: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "quality_score": (("roe", 1), ("operating_margin", 1), ("liabilities_to_equity", -1)),
    "value_score": (("earnings_yield", 1), ("book_yield", 1), ("sales_yield", 1)),
    "growth_score": (("revenue_yoy", 1), ("operating_profit_yoy", 1), ("net_profit_yoy", 1)),
    "momentum_score": (("mom_12_1", 1), ("change_6m", 1), ("change_3m", 1)),
    "stability_score": (("beta_252", -1), ("hv_252", -1), ("liabilities_to_equity", -1)),
}
#: How much each score counts in the overall one.
WEIGHTS: Final[dict[str, float]] = {
    "quality_score": 0.30,
    "value_score": 0.25,
    "growth_score": 0.25,
    "momentum_score": 0.20,
}
#: Percentile ranks among the stocks of the same sector of the same market: id → figure.
SECTOR_RANKS: Final[dict[str, str]] = {
    "pct_rank_per_sector": "per_ttm",
    "pct_rank_roe_sector": "roe",
    "pct_rank_growth_sector": "growth_score",
}
#: Percentile ranks within the market: id → figure, −1 where the lowest comes first.
MARKET_RANKS: Final[dict[str, tuple[str, int]]] = {
    "pct_rank_mom_market": ("mom_12_1", 1),
    "low_vol_rank": ("hv_252", -1),
}
#: A third in ten years, per year in percent: the growth that Graham asks of a defensive investor's stock.
GRAHAM_GROWTH: Final = ((4.0 / 3.0) ** 0.1 - 1.0) * 100.0
#: Every id of :func:`scores`, in its order.
SCORE_IDS: Final[tuple[str, ...]] = (
    *SCORES,
    "overall_score",
    *SECTOR_RANKS,
    *MARKET_RANKS,
    "rs_rating_12m",
    "magic_formula_rank",
    "graham_pass",
    "can_slim_flags",
)
#: Every figure that some score reads.
SCORE_INPUTS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        [
            *(id_ for inputs in SCORES.values() for id_, _ in inputs),
            *("per_ttm", "change_1y", "ev_ebit", "roce"),
            *("current_ratio", "dps_ttm", "eps_cagr_5y"),
            *("eps_yoy", "eps_cagr_3y", "dist_high_52w", "rel_volume"),
        ]
    )
)


def percentile_ranks(values: Array, groups: Groups | None = None) -> Array:
    """The percentile of each value among the known ones of its group, 0 (lowest) to 100 (highest).

    100 × (number below + half the number of others equal) / (number known − 1). Equal values share their
    mean rank. NaN stays NaN and counts for nobody; a single known value has no rank, nor has one of a group
    below 0. All are of one group where none is given.
    """
    groups = np.zeros(len(values), dtype=np.int64) if groups is None else groups
    known = np.isfinite(values) & (groups >= 0)
    below, equal, count = _standing(values[known], groups[known])
    ranks = np.full(len(values), np.nan)
    ranks[known] = np.where(count > 1, (below + (equal - 1) / 2.0) * 100.0 / np.maximum(count - 1, 1), np.nan)
    return ranks


def scores(columns: Mapping[str, Array], market: Groups, sector: Groups) -> dict[str, Array]:
    """Every score by id for the stocks of some markets, aligned with the columns given.

    Args:
        columns: the SCORE_INPUTS by id, one value a stock, NaN where unknown.
        market: a number for each market; −1 for a stock that is not ranked: it has no score at all.
        sector: a number for each sector of a market; −1 where that is unknown.

    Returns:
        SCORE_IDS in order; NaN where an input is unknown.
    """
    found = {
        score: np.mean([percentile_ranks(sign * columns[id_], market) for id_, sign in inputs], axis=0)
        for score, inputs in SCORES.items()
    }
    found["overall_score"] = np.sum([weight * found[score] for score, weight in WEIGHTS.items()], axis=0)
    sector = np.where(market >= 0, sector, -1)
    for rank, id_ in SECTOR_RANKS.items():
        found[rank] = percentile_ranks(found[id_] if id_ in found else columns[id_], sector)
    for rank, (id_, sign) in MARKET_RANKS.items():
        found[rank] = percentile_ranks(sign * columns[id_], market)
    found["rs_rating_12m"] = relative_strength(columns["change_1y"], market)
    found["magic_formula_rank"] = magic_formula(columns["ev_ebit"], columns["roce"], market)
    ranked = market >= 0
    found["graham_pass"] = np.where(ranked, graham(columns), np.nan)
    found["can_slim_flags"] = np.where(ranked, can_slim({**columns, **found}), np.nan)
    return {id_: found[id_] for id_ in SCORE_IDS}


def relative_strength(change: Array, market: Groups) -> Array:
    """The change of a year as a whole number from 1 (the weakest of the market) to 99 (the strongest)."""
    return np.rint(1.0 + 0.98 * percentile_ranks(change, market))


def magic_formula(ev_ebit: Array, roce: Array, market: Groups) -> Array:
    """Greenblatt's place in the market, from 1 (the best): cheap and profitable at once.

    The place by EBIT / EV and the place by return on capital are added up and placed again; equals share the
    better place. Only stocks with both count, and only profits above 0 have a price.
    """
    known = (ev_ebit > 0.0) & np.isfinite(ev_ebit) & np.isfinite(roce) & (market >= 0)
    out = np.full(len(market), np.nan)
    groups = market[known]
    cheap, profitable = _standing(ev_ebit[known], groups)[0], _standing(-roce[known], groups)[0]
    out[known] = 1.0 + _standing(cheap + profitable, groups)[0]
    return out


def graham(columns: Mapping[str, Array]) -> Array:
    """1 where a stock meets the tests of Graham's defensive investor that statements can answer, else 0.

    Price at most 15 times earnings; price/earnings × price/book at most 22.5; current assets at least twice
    the current liabilities; a dividend; and earnings that have grown by a third in ten years. One test that
    is not met decides; NaN where none is failed but one is unknown.
    """
    earnings, book = columns["earnings_yield"], columns["book_yield"]
    return _all(
        _test(earnings, lambda value: value >= 100.0 / 15.0),
        # Of two yields in percent; a deficit on a deficit would be a product above 0 as well.
        _test(
            np.where((earnings > 0.0) & (book > 0.0), earnings * book, np.minimum(earnings, book)),
            lambda value: value >= 10_000.0 / 22.5,
        ),
        _test(columns["current_ratio"], lambda value: value >= 2.0),
        _test(columns["dps_ttm"], lambda value: value > 0.0),
        _test(columns["eps_cagr_5y"], lambda value: value >= GRAHAM_GROWTH),
    )


def can_slim(columns: Mapping[str, Array]) -> Array:
    """How many of O'Neil's C, A, N, S and L a stock meets, 0 to 5; NaN where one is unknown.

    C: earnings per share of the last period up by a quarter on a year before. A: up by a quarter a year over
    three years, and a return on equity of 17 %. N: within 15 % of the high of a year. S: half as much volume
    again as usual. L: a relative strength of 80. I and M (who owns it, where the market goes) do not count.
    """
    tests = (
        _test(columns["eps_yoy"], lambda value: value >= 25.0),
        _all(
            _test(columns["eps_cagr_3y"], lambda value: value >= 25.0),
            _test(columns["roe"], lambda value: value >= 17.0),
        ),
        _test(columns["dist_high_52w"], lambda value: value >= -15.0),
        _test(columns["rel_volume"], lambda value: value >= 1.5),
        _test(columns["rs_rating_12m"], lambda value: value >= 80.0),
    )
    return np.sum(tests, axis=0)


def _test(values: Array, holds: Callable[[Array], npt.NDArray[np.bool_]]) -> Array:
    """1 where it holds, 0 where not, NaN where the value is unknown."""
    return np.where(np.isnan(values), np.nan, holds(values).astype(np.float64))


def _all(*tests: Array) -> Array:
    """1 where all hold, 0 where one does not, else NaN."""
    table = np.stack(tests)
    return np.where((table == 0.0).any(axis=0), 0.0, np.where(np.isnan(table).any(axis=0), np.nan, 1.0))


def _standing(values: Array, groups: Groups) -> tuple[Array, Array, Array]:
    """Per value: how many of its group are below it, how many equal it (itself too), and how many there are.

    The values are finite.
    """
    if not len(values):
        return values, values, values
    order = np.lexsort((values, groups))
    value, group = values[order], groups[order]
    new_group = np.append(True, group[1:] != group[:-1])
    new_value = new_group | np.append(True, value[1:] != value[:-1])
    first_of_group = np.flatnonzero(new_group)[np.cumsum(new_group) - 1]
    starts = np.flatnonzero(new_value)
    which = np.cumsum(new_value) - 1
    sizes = np.diff(np.append(np.flatnonzero(new_group), len(value)))[np.cumsum(new_group) - 1]
    out = np.empty((3, len(values)))
    out[0, order] = starts[which] - first_of_group
    out[1, order] = np.diff(np.append(starts, len(value)))[which]
    out[2, order] = sizes
    return out[0], out[1], out[2]
