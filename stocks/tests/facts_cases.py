"""Statements and splits of a few stocks as the columns that facts are made of, by hand and at random."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st

from stocks.indicators.facts import Facts
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


FLOW_ITEMS = ("revenue", "operating_profit", "net_profit", "free_cash_flow")
LEVEL_ITEMS = ("total_equity", "total_assets", "total_liabilities")
FILED_ITEMS = (*FLOW_ITEMS[:3], "operating_cash_flow", "capital_expenditure", *LEVEL_ITEMS)
START = date(2018, 1, 1)


@st.composite
def papers(draw: st.DrawFn) -> list[Paper]:
    """What a company may have filed: mostly in order, with gaps, restatements and a change of currency."""
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps, unknown, restated, foreign = (draw(st.sampled_from([0.0, 0.1, 0.4])) for _ in range(4))
    files_quarters, files_fourth, files_years = (draw(st.booleans()) for _ in range(3))
    found = []
    for period in range(draw(st.integers(0, 30))):
        year, quarter = 2018 + period // 4, period % 4 + 1
        kinds = [quarter] if files_quarters and (quarter < 4 or files_fourth) else []
        kinds += [0] if files_years and quarter == 4 else []
        for kind in kinds:
            if source.random() < gaps:
                continue
            # A year and its last quarter often come on the same day.
            lag = source.choice([60, int(source.integers(20, 110))])
            filed_on = START + timedelta(days=91 * (period + 1) + int(lag))
            versions = 2 if source.random() < restated else 1
            for version in range(versions):
                amounts = {
                    item: float(source.integers(-(10**15), 10**15))
                    for item in FILED_ITEMS
                    if source.random() >= unknown / 3
                }
                if {"operating_cash_flow", "capital_expenditure"} <= amounts.keys():
                    amounts["free_cash_flow"] = (
                        amounts["operating_cash_flow"] - amounts["capital_expenditure"]
                    )
                currency = "USD" if source.random() < foreign / 3 else "KRW"
                later = timedelta(days=int(source.integers(1, 700)) * version)
                found.append(Paper(year, kind, filed_on + later, currency, amounts))
    # One version a period and day, as the table has it.
    return list({(paper.year, paper.quarter, paper.filed_on): paper for paper in found}.values())


Days = st.integers(0, 8 * 365).map(lambda number: START + timedelta(days=number))
Companies = st.lists(st.tuples(papers(), Days), min_size=1, max_size=4)


def facts_of(companies: list[tuple[list[Paper], date]]) -> Facts:
    return Facts.of(columns([filed for filed, _ in companies]), on=days([on for _, on in companies]))
