"""Companies for the tests of the fundamental indicators: statements, and the market's side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from stocks.indicators.company import DIVIDEND_YEARS, Companies
from stocks.indicators.facts import Facts
from stocks.indicators.published import Snapshots
from stocks.indicators.ratios import ratios
from stocks.tests.facts_cases import columns, days
from stocks.tests.facts_naive import Paper

ON: Final = date(2025, 6, 30)
UNKNOWN: Final = math.nan


def year(number: int, **amounts: float) -> Paper:
    """The annual statement of a year, filed in the March after it."""
    return Paper(number, 0, date(number + 1, 3, 20), "KRW", amounts)


def quarter(number: int, which: int, **amounts: float) -> Paper:
    """A quarter, filed about six weeks after its end and before the annual statement."""
    month, in_year = (2, number + 1) if which == 4 else (which * 3 + 2, number)
    return Paper(number, which, date(in_year, month, 14), "KRW", amounts)


def companies(
    stocks: Sequence[Sequence[Paper]],
    *,
    close: float = UNKNOWN,
    shares: float = UNKNOWN,
    currency: str = "KRW",
    average_close_5y: float = UNKNOWN,
    dps_ttm: float = UNKNOWN,
    dividends: Sequence[float] = (),
    ex_date_in: float = UNKNOWN,
    dollars: float = UNKNOWN,
    snapshots: Snapshots | None = None,
    on: date = ON,
) -> Companies:
    """As many companies as there are lists of papers, all with the same market side; the rest is unknown."""
    n = len(stocks)

    def all_(value: float) -> np.ndarray:
        return np.full(n, value)

    history = np.full((n, DIVIDEND_YEARS), np.nan)
    history[:, : len(dividends)] = dividends
    return Companies(
        facts=Facts.of(columns(stocks), on=days([on] * n), snapshots=snapshots),
        days=days([on] * n),
        currency=np.array([currency] * n),
        close=all_(close),
        shares=all_(shares),
        average_close_5y=all_(average_close_5y),
        dps_ttm=all_(dps_ttm),
        dividends=history,
        ex_date_in=all_(ex_date_in),
        dollars=all_(dollars),
    )


def figures(papers: Sequence[Paper], **market: Any) -> Mapping[str, float]:
    """Every figure of one company."""
    found = ratios(companies([papers], **market))
    return {id_: float(values[0]) for id_, values in found.items()}


def expectations(*, eps: float, dps: float, currency: str = "KRW", as_of: date = ON) -> Snapshots:
    """What a vendor expects of the first company."""
    return Snapshots(
        stock=np.array([0]),
        as_of=days([as_of]),
        currency=np.array([currency]),
        values={"forward_eps": np.array([eps]), "forward_dps": np.array([dps])},
    )
