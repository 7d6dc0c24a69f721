"""The 52-week ranges that a vendor published for the S&P 500 in 2018, from the bars up to the day before."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np

from stocks.indicators.bars import Bars
from stocks.indicators.series import SERIES_IDS, latest

BARS = "sp500_daily_2013_2018.csv.gz"
PUBLISHED = "sp500_fundamentals_2018_02.csv"


def test_the_52_week_ranges_of_all_companies_are_the_published_ones(market_data_dir: Path):
    ranges = _published(market_data_dir / PUBLISHED)
    companies = {code: bars for code, bars in _bars(market_data_dir / BARS).items() if len(bars) >= 252}
    codes = sorted(ranges.keys() & companies.keys())
    found = latest([companies[code] for code in codes])
    assert len(codes) == 500
    for place, id_ in enumerate(("low_52w", "high_52w")):
        published = np.array([ranges[code][place] for code in codes])
        np.testing.assert_allclose(found[:, SERIES_IDS.index(id_)], published, rtol=1e-3, err_msg=id_)


def _published(path: Path) -> dict[str, tuple[float, float]]:
    """Low and high by symbol: the file has the two columns under each other's names."""
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row["Symbol"]: (float(row["52 Week High"]), float(row["52 Week Low"]))
            for row in csv.DictReader(file)
        }


def _bars(path: Path) -> dict[str, Bars]:
    rows: defaultdict[str, list[list[float]]] = defaultdict(list)
    with gzip.open(path, "rt", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for code, _, *values in reader:
            rows[code].append([float(value or "nan") for value in values])
    return {code: Bars.of(*np.array(values).T) for code, values in rows.items()}
