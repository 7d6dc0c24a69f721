import numpy as np

from stocks.indicators.bars import Bars
from stocks.indicators.series import series


def _series(volumes: list[float]) -> dict[str, np.ndarray]:
    closes = np.linspace(100.0, 124.0, len(volumes))
    return series(Bars.of(closes, closes, closes, closes, np.array(volumes)))


def test_volume_is_that_of_the_bar_and_turnover_its_value():
    values = _series([10.0, 20.0, 30.0])
    assert values["volume"].tolist() == [10.0, 20.0, 30.0]
    assert values["turnover_value"].tolist() == [1000.0, 112.0 * 20.0, 124.0 * 30.0]


def test_the_average_volume_counts_suspended_days_as_zero():
    # 1 … 20 without 20, which was suspended: (210 − 20) / 20 = 9.5.
    volumes = [float(i) for i in range(1, 20)] + [0.0]
    values = _series([*volumes, 40.0])
    assert np.isnan(values["volume_avg_20d"][18])
    assert values["volume_avg_20d"][19:].tolist() == [9.5, 9.5 + (40 - 1) / 20]


def test_volumes_of_billions_are_averaged_exactly():
    values = _series([1_234_567_891.0] * 60)
    assert set(values["volume_avg_20d"][19:]) == {1_234_567_891.0}
