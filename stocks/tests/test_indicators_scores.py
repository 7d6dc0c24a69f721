import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.indicators.scores import SCORE_INPUTS, SCORES, percentile_ranks, scores

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


def market(**columns: list[float]) -> dict[str, np.ndarray]:
    length = len(next(iter(columns.values())))
    unknown = {id_: np.full(length, np.nan) for id_ in SCORE_INPUTS}
    return unknown | {id_: np.array(column) for id_, column in columns.items()}


def test_a_score_is_the_mean_of_its_ranks():
    found = scores(
        market(
            roe=[5.0, 10.0, 20.0],  # ranks 0, 50, 100
            operating_margin=[8.0, 30.0, 9.0],  # 0, 100, 50
            liabilities_to_equity=[300.0, 50.0, 100.0],  # less is better: 0, 100, 50
        )
    )
    assert found["quality_score"].tolist() == pytest.approx([0.0, 250 / 3, 200 / 3])
    assert np.isnan(found["value_score"]).all()


def test_an_unknown_input_makes_the_score_unknown_but_ranks_the_others():
    found = scores(
        market(
            earnings_yield=[1.0, 2.0, 3.0],
            book_yield=[1.0, 2.0, 3.0],
            sales_yield=[NAN, 2.0, 3.0],
        )
    )
    assert found["value_score"].tolist()[1:] == pytest.approx([(50 + 50 + 0) / 3, 100.0])
    assert np.isnan(found["value_score"][0])


def test_each_score_reads_its_documented_inputs():
    assert {score: [id_ for id_, _ in inputs] for score, inputs in SCORES.items()} == {
        "quality_score": ["roe", "operating_margin", "liabilities_to_equity"],
        "value_score": ["earnings_yield", "book_yield", "sales_yield"],
        "growth_score": ["revenue_yoy", "operating_profit_yoy", "net_profit_yoy"],
        "momentum_score": ["mom_12_1", "change_6m", "change_3m"],
    }
