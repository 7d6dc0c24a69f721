"""Scores against a small market that was worked out by hand, and against pandas."""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # pandas brings no types; only tests need it
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.indicators.scores import (
    SCORE_IDS,
    SCORE_INPUTS,
    SCORES,
    WEIGHTS,
    can_slim,
    graham,
    magic_formula,
    percentile_ranks,
    relative_strength,
    scores,
)

NAN = float("nan")


def test_percentile_ranks_by_hand():
    # Five known values: the lowest 0, the highest 100, the two 20s share ranks 1 and 2 of 0 … 4: 1.5 / 4.
    ranks = percentile_ranks(np.array([20.0, 30.0, NAN, 10.0, 20.0, 40.0]))
    np.testing.assert_array_equal(ranks, [37.5, 75.0, NAN, 0.0, 37.5, 100.0])


def test_equal_values_all_stand_in_the_middle():
    assert percentile_ranks(np.full(7, 3.0)).tolist() == [50.0] * 7


@pytest.mark.parametrize("values", [[], [1.0], [NAN, 1.0, NAN], [NAN]])
def test_nobody_ranks_alone(values: list[float]):
    assert np.isnan(percentile_ranks(np.array(values))).all()


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=60))
def test_ranks_average_fifty_and_mirror_when_the_sign_turns(values: list[int]):
    array = np.array(values, dtype=float)
    ranks = percentile_ranks(array)
    assert ranks.mean() == pytest.approx(50.0)
    np.testing.assert_allclose(percentile_ranks(-array), 100.0 - ranks)


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 9) | st.none()), max_size=80))
def test_the_ranks_of_each_group_are_those_that_pandas_finds(rows: list[tuple[int, int | None]]):
    groups = np.array([group for group, _ in rows], dtype=np.int64)
    values = np.array([NAN if value is None else value for _, value in rows], dtype=float)
    frame = pd.DataFrame({"group": groups, "value": values})
    known = frame[frame.group >= 0].groupby("group").value
    rank, count = known.rank(method="average"), known.transform("count")
    expected = ((rank - 1) / (count - 1) * 100).where(count > 1).reindex(frame.index)
    np.testing.assert_allclose(percentile_ranks(values, groups), expected.to_numpy(float), atol=1e-9)


#: Six stocks of one market, A to F; A, B and C are of one sector, D and E of another, F of an unknown one.
SECTOR = np.array([0, 0, 0, 1, 1, -1])
MARKET = np.zeros(6, dtype=np.int64)
SHEET: dict[str, list[float]] = {
    # ranks                        A      B      C      D      E      F
    "roe": [20, 10, 15, 5, 25, NAN],  #        75     25     50      0    100      –
    "operating_margin": [12, 8, 8, 30, 2, 9],  # 80   30     30    100      0     60
    "liabilities_to_equity": [50, 100, 200, 80, 40, 60],  # turned round: 80  20  0  40  100  60
    "earnings_yield": [10, 5, -2, 8, 7, 1],  # 100    40      0     80     60     20
    "book_yield": [80, 120, 40, 100, 60, 20],  # 60  100     20     80     40      0
    "sales_yield": [300, 100, 50, 200, 400, 150],  # 80  20   0     60    100     40
    "revenue_yoy": [10, 20, 30, 40, 50, 60],  #  0    20     40     60     80    100
    "operating_profit_yoy": [60, 50, 40, 30, 20, 10],  # 100 80 60 40 20 0
    "net_profit_yoy": [5, 5, 5, 5, 5, NAN],  #  50 each of the five, – for F
    "mom_12_1": [30, 10, -5, 0, 60, 20],  #     80    40      0     20    100     60
    "change_6m": [15, 10, -10, 5, 30, 20],  #   60    40      0     20    100     80
    "change_3m": [5, 3, -1, 4, 10, 7],  #       60    20      0     40    100     80
    "change_1y": [40, 20, -10, 0, 90, 25],  #   80    40      0     20    100     60
    "beta_252": [1.0, 0.5, 1.5, 0.8, 1.2, 0.6],  # turned round: 40 100 0 60 20 80
    "hv_252": [30, 20, 50, 25, 40, 35],  #       turned round: 60 100 0 80 20 40
    "per_ttm": [10, 20, NAN, 12.5, 14.29, 100],
    "ev_ebit": [8, 10, 12, 6, -3, NAN],
    "roce": [20, 15, 25, 10, 30, 12],
    "current_ratio": [2.5, 1.0, 3.0, NAN, 2.0, 2.2],
    "dps_ttm": [2, 3, 1, 1, 1, 0],
    "eps_cagr_5y": [4, 10, 5, 3, 2.9, 5],
    "eps_yoy": [30, 25, 10, 26, 100, 50],
    "eps_cagr_3y": [25, 30, 40, 26, 60, NAN],
    "dist_high_52w": [-5, -15, -50, -20, 0, -1],
    "rel_volume": [1.5, 0.9, 2, 1, 3, 1],
}


def sheet() -> dict[str, np.ndarray]:
    return {id_: np.array(SHEET[id_], dtype=float) for id_ in SCORE_INPUTS}


#: Worked out by hand from the ranks beside the figures above.
EXPECTED: dict[str, list[float]] = {
    "quality_score": [235 / 3, 75 / 3, 80 / 3, 140 / 3, 200 / 3, NAN],
    "value_score": [80, 160 / 3, 20 / 3, 220 / 3, 200 / 3, 20],
    "growth_score": [50, 50, 50, 50, 50, NAN],
    "momentum_score": [200 / 3, 100 / 3, 0, 80 / 3, 100, 220 / 3],
    "stability_score": [60, 220 / 3, 0, 60, 140 / 3, 60],
    "overall_score": [
        0.3 * 235 / 3 + 0.25 * 80 + 0.25 * 50 + 0.2 * 200 / 3,
        0.3 * 25 + 0.25 * 160 / 3 + 12.5 + 0.2 * 100 / 3,
        0.3 * 80 / 3 + 0.25 * 20 / 3 + 12.5,
        0.3 * 140 / 3 + 0.25 * 220 / 3 + 12.5 + 0.2 * 80 / 3,
        0.3 * 200 / 3 + 0.25 * 200 / 3 + 12.5 + 20,
        NAN,
    ],
    # Only A and B of their sector have a price/earnings, and D and E of theirs.
    "pct_rank_per_sector": [0, 100, NAN, 0, 100, NAN],
    "pct_rank_roe_sector": [100, 0, 50, 0, 100, NAN],
    "pct_rank_growth_sector": [50, 50, 50, 50, 50, NAN],
    "pct_rank_mom_market": [80, 40, 0, 20, 100, 60],
    "low_vol_rank": [60, 100, 0, 80, 20, 40],
    # 1 + 0.98 × rank: 79.4, 40.2, 1, 20.6, 99, 59.8.
    "rs_rating_12m": [79, 40, 1, 21, 99, 60],
    # Of A to D: by ev_ebit 2 3 4 1, by roce 2 3 1 4, together 4 6 5 5.
    "magic_formula_rank": [1, 4, 2, 2, NAN, NAN],
    # A passes all. B: current ratio. C: a deficit. D: only its current ratio is unknown. E: growth of 2.9.
    # F: price/earnings of 100.
    "graham_pass": [1, 0, 0, NAN, 0, 0],
    # A: C, A, N and S, and not quite L. B: C and N, for its return on equity is below 17. C: S. D: C. E: all.
    "can_slim_flags": [4, 2, 1, 1, 5, NAN],
}


@pytest.mark.parametrize("id_", SCORE_IDS)
def test_each_score_is_the_one_of_the_worked_sheet(id_: str):
    found = scores(sheet(), MARKET, SECTOR)
    assert list(found) == list(SCORE_IDS) and set(found) == set(EXPECTED)
    np.testing.assert_allclose(found[id_], EXPECTED[id_], atol=1e-9)


def test_a_market_is_ranked_as_if_the_other_were_not_there():
    both = {id_: np.tile(column, 2) for id_, column in sheet().items()}
    found = scores(both, np.repeat([0, 1], 6), np.concatenate([SECTOR, np.where(SECTOR < 0, -1, SECTOR + 2)]))
    for id_, values in EXPECTED.items():
        np.testing.assert_allclose(found[id_], values * 2, atol=1e-9, err_msg=id_)


def test_who_is_not_ranked_has_no_score_and_changes_none():
    wider = {id_: np.append(column, 1e6) for id_, column in sheet().items()}
    found = scores(wider, np.append(MARKET, -1), np.append(SECTOR, 0))
    for id_, values in EXPECTED.items():
        np.testing.assert_allclose(found[id_], [*values, NAN], atol=1e-9, err_msg=id_)


def test_the_weights_of_the_overall_score_are_one_together():
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert WEIGHTS == {
        "quality_score": 0.30,
        "value_score": 0.25,
        "growth_score": 0.25,
        "momentum_score": 0.20,
    }


def test_each_score_reads_its_documented_inputs():
    assert {score: [id_ for id_, _ in inputs] for score, inputs in SCORES.items()} == {
        "quality_score": ["roe", "operating_margin", "liabilities_to_equity"],
        "value_score": ["earnings_yield", "book_yield", "sales_yield"],
        "growth_score": ["revenue_yoy", "operating_profit_yoy", "net_profit_yoy"],
        "momentum_score": ["mom_12_1", "change_6m", "change_3m"],
        "stability_score": ["beta_252", "hv_252", "liabilities_to_equity"],
    }


def test_the_strongest_of_a_hundred_has_99_and_the_weakest_1():
    found = relative_strength(np.arange(100.0), np.zeros(100, dtype=np.int64))
    assert (found[0], found[-1]) == (1.0, 99.0)
    assert (np.diff(found) >= 0).all() and len(set(found)) == 99


@given(st.lists(st.tuples(st.integers(-3, 9), st.integers(-9, 9)), min_size=1, max_size=40))
def test_greenblatts_places_are_those_that_pandas_finds(rows: list[tuple[int, int]]):
    ev_ebit, roce = np.array(rows, dtype=float).T
    frame = pd.DataFrame({"price": ev_ebit, "return": roce})[ev_ebit > 0]
    added = frame.price.rank(method="min") + frame["return"].rank(method="min", ascending=False)
    expected = added.rank(method="min").reindex(range(len(rows))).to_numpy(float)
    np.testing.assert_array_equal(magic_formula(ev_ebit, roce, np.zeros(len(rows), np.int64)), expected)


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        ({}, 1.0),
        # Price/earnings of 15 and price/book of 1.5 are just allowed.
        ({"earnings_yield": 100 / 15, "book_yield": 100 / 1.5}, 1.0),
        ({"earnings_yield": 6.66}, 0.0),
        ({"book_yield": 10.0}, 0.0),
        # A deficit on negative equity is no bargain.
        ({"earnings_yield": -100.0, "book_yield": -100.0}, 0.0),
        ({"current_ratio": 1.99}, 0.0),
        ({"dps_ttm": 0.0}, 0.0),
        ({"eps_cagr_5y": 2.91}, 0.0),
        ({"eps_cagr_5y": 2.92}, 1.0),
        ({"current_ratio": NAN}, NAN),
        ({"current_ratio": NAN, "dps_ttm": 0.0}, 0.0),
        ({"earnings_yield": NAN}, NAN),
    ],
)
def test_grahams_tests_one_by_one(changed: dict[str, float], passes: float):
    good = {
        "earnings_yield": 10.0,
        "book_yield": 80.0,
        "current_ratio": 2.0,
        "dps_ttm": 1.0,
        "eps_cagr_5y": 5.0,
    }
    found = graham({id_: np.array([value]) for id_, value in (good | changed).items()})
    np.testing.assert_array_equal(found, [passes])


@pytest.mark.parametrize(
    "unknown", ["eps_yoy", "eps_cagr_3y", "dist_high_52w", "rel_volume", "rs_rating_12m"]
)
def test_an_unknown_figure_leaves_oneils_flags_unknown(unknown: str):
    good = {
        "eps_yoy": 30.0,
        "eps_cagr_3y": 30.0,
        "roe": 20.0,
        "dist_high_52w": -1.0,
        "rel_volume": 2.0,
        "rs_rating_12m": 90.0,
    }
    assert can_slim({id_: np.array([value]) for id_, value in good.items()}).tolist() == [5.0]
    assert np.isnan(
        can_slim({id_: np.array([value]) for id_, value in (good | {unknown: NAN}).items()})
    ).all()
