"""Statements, splits and published ratios of a few stocks as the columns that facts are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from stocks.indicators.filed import STORED, Filed, Splits
from stocks.tests.facts_naive import Paper


def columns(stocks: Sequence[Sequence[Paper]]) -> Filed:
    """The papers of each stock."""
    rows = [(number, paper) for number, papers in enumerate(stocks) for paper in papers]
    papers = [paper for _, paper in rows]
    return Filed(
        stock=np.array([number for number, _ in rows], dtype=np.int64),
        fiscal_year=np.array([paper.year for paper in papers], dtype=np.int64),
        fiscal_quarter=np.array([paper.quarter for paper in papers], dtype=np.int64),
        filed_on=days([paper.filed_on for paper in papers]),
        basis_on=days([paper.basis_on or paper.filed_on for paper in papers]),
        currency=np.array([paper.currency for paper in papers], dtype="U3"),
        values={
            item: np.array([paper.amounts.get(item, np.nan) for paper in papers], dtype=np.float64)
            for item in STORED
        },
    )


def splits(rows: Sequence[tuple[int, date, float]]) -> Splits:
    """Of (stock, ex-date, ratio)."""
    return Splits(
        stock=np.array([number for number, _, _ in rows], dtype=np.int64),
        ex_date=days([ex_date for _, ex_date, _ in rows]),
        ratio=np.array([ratio for _, _, ratio in rows], dtype=np.float64),
    )


def days(dates: Sequence[date]) -> np.ndarray:
    return np.array(dates, dtype="datetime64[D]")
