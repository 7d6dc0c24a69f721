"""Thirty published days and what another library publishes as their indicators.

The quotes are those of SPY (2017-01-03 to 2017-02-14, adjusted) and of the second series with which the
project Stock.Indicators (Dave Skender, Apache-2.0) tests itself; the results are those of its own
worksheets. Nothing of them was worked out here.
"""

from __future__ import annotations

import numpy as np

from stocks.indicators.bars import Array, Bars

_SPY = """
    2017-01-03 212.61 213.35 211.52 212.8 96708880
    2017-01-04 213.16 214.22 213.15 214.06 83348752
    2017-01-05 213.77 214.06 213.02 213.89 82961968
    2017-01-06 214.02 215.17 213.42 214.66 75744152
    2017-01-09 214.38 214.53 213.91 213.95 49684316
    2017-01-10 213.97 214.89 213.52 213.95 67500792
    2017-01-11 213.86 214.55 213.13 214.55 79014928
    2017-01-12 213.99 214.22 212.53 214.02 76329760
    2017-01-13 214.21 214.84 214.17 214.51 66385084
    2017-01-17 213.81 214.25 213.33 213.75 64821664
    2017-01-18 214.02 214.27 213.42 214.22 57997156
    2017-01-19 214.31 214.46 212.96 213.43 70503512
    2017-01-20 214.18 214.75 213.49 214.21 136721344
    2017-01-23 213.85 214.28 212.83 213.66 79450624
    2017-01-24 213.89 215.48 213.77 215.03 101142584
    2017-01-25 216.07 216.89 215.89 216.89 89374928
    2017-01-26 216.73 217.02 216.36 216.66 63477304
    2017-01-27 216.75 216.91 216.12 216.32 63202528
    2017-01-30 215.57 215.59 213.9 214.98 84399624
    2017-01-31 214.44 215.03 213.82 214.96 80317680
    2017-02-01 215.65 215.96 214.4 215.05 83743792
    2017-02-02 214.65 215.5 214.29 215.19 73730552
    2017-02-03 216.18 216.87 215.84 216.67 85273832
    2017-02-06 216.23 216.66 215.92 216.28 61169192
    2017-02-07 216.71 216.97 216.09 216.29 61318484
    2017-02-08 215.98 216.72 215.7 216.58 54581376
    2017-02-09 216.88 218.19 216.84 217.86 69811760
    2017-02-10 218.24 218.97 217.88 218.72 69875952
    2017-02-13 219.26 220.19 219.23 219.91 58408632
    2017-02-14 219.71 220.8 219.33 220.79 75266840
"""
#: The other series of the same days.
OTHER_CLOSES: Array = np.array(
    [
        *(216.99, 226.99, 226.75, 229.01, 231.28, 229.87, 229.73, 229.59, 237.75, 235.58, 238.36),
        *(243.76, 244.73, 248.92, 254.61, 254.47, 252.51, 252.95, 250.63, 251.93, 249.24, 251.55),
        *(251.33, 257.77, 257.48, 262.08, 269.2, 269.23, 280.6, 280.98),
    ]
)
#: Published results by the number of the bar they are stated for, the first being 0.
ADL = {0: 38577859.234973975, 19: 499367343.37192804, 29: 750101732.8805108}
CMF_20 = {19: 0.3182533274349976, 24: 0.2569787093342672, 29: 0.32994172375757214}
MFI_14 = {14: 47.81444632100904, 19: 46.359521644648886, 29: 57.83931543831708}
ULCER_14 = {13: 0.28442010394064654, 21: 0.5039546587628758, 29: 0.40698918461709843}
ATR_14 = {14: 1.336428571428568, 19: 1.354732911828826, 29: 1.3169023737984495}
ATR_PERCENT = {14: 0.6215079623441231, 29: 0.5964501896818015}
#: Its sum starts with 0, that of TA-Lib with the volume of the first bar.
OBV_FROM_ZERO = {1: 83348752.0, 19: -25420052.0, 29: 545421976.0}
#: Over all bars so far, so that of bar 19 is the average price of the first 20.
VWAP_SO_FAR = {19: 214.3591814495742}
#: Beta of the other series to SPY over the first 20 returns, to 4 digits.
BETA_20 = 1.5139


def spy() -> Bars:
    """The thirty days as bars."""
    rows = [line.split() for line in _SPY.split("\n") if line.strip()]
    columns = np.array([[float(word) for word in row[1:]] for row in rows]).T
    return Bars.of(*columns, days=np.array([row[0] for row in rows], dtype="datetime64[D]"))


def assert_published(series: Array, published: dict[int, float], *, relative: float = 1e-9) -> None:
    """The series has the published values where some are published, and nothing before the first."""
    for bar, value in published.items():
        np.testing.assert_allclose(series[bar], value, rtol=relative)
    assert np.isnan(series[: min(published)]).all()
