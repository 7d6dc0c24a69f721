"""The facts of one stock read the slow way, statement by statement, as the rules are written in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from stocks.indicators.filed import LEVELS

DEPTH = 32
MAX_AGE = timedelta(days=400)


@dataclass(frozen=True)
class Paper:
    """One filed statement of one stock; amounts that are not told are left out."""

    year: int
    quarter: int  # 0 for a year
    filed_on: date
    currency: str = "KRW"
    amounts: Mapping[str, float] = field(default_factory=dict)
    basis_on: date | None = None

    @property
    def ends(self) -> int:
        return self.year * 4 + (self.quarter or 4) - 1


class Naive:
    """What the papers of one stock say on one day."""

    def __init__(self, papers: Iterable[Paper], on: date) -> None:
        on_file = [paper for paper in papers if paper.filed_on <= on]
        newest_end = max((paper.ends for paper in on_file), default=0)
        on_file = [paper for paper in on_file if paper.ends > newest_end - DEPTH]
        self.years: dict[int, Paper] = {}
        self.quarters: dict[int, Paper] = {}
        for paper in sorted(on_file, key=lambda paper: paper.filed_on):
            (self.quarters if paper.quarter else self.years)[paper.ends] = paper
        for ends, year in self.years.items():
            others = [self.quarters.get(ends - back) for back in (1, 2, 3)]
            if ends in self.quarters or not all(one and one.currency == year.currency for one in others):
                continue
            self.quarters[ends] = self._rest(year, [one for one in others if one])
        self.since = on - MAX_AGE
        fresh = [paper for paper in (*self.years.values(), *self.quarters.values()) if self._speaks(paper)]
        self.newest = max(fresh, key=lambda paper: (paper.ends, paper.filed_on), default=None)

    @property
    def currency(self) -> str:
        return self.newest.currency if self.newest else ""

    def ttm(self, item: str, back: int = 0) -> float:
        last_year = max(self.years, default=-1)
        runs = [ends for ends in self.quarters if self._is_run(ends) and ends >= last_year]
        if runs:
            ends = max(runs)
            if not self._speaks(self.quarters[ends]):
                return math.nan
            return self._either(self._sum(item, ends - 4 * back), self._year(item, ends - 4 * back))
        if last_year < 0 or not self._speaks(self.years[last_year]):
            return math.nan
        return self._either(self._year(item, last_year - 4 * back), self._sum(item, last_year - 4 * back))

    def quarter(self, item: str, back: int = 0) -> float:
        last = max(self.quarters, default=-1)
        if last < 0 or last < max(self.years, default=-1) or not self._speaks(self.quarters[last]):
            return math.nan
        return self._amount(self.quarters.get(last - back), item)

    def balance(self, item: str, back: int = 0) -> float:
        if self.newest is None:
            return math.nan
        if back == 0:
            return self._amount(self.newest, item)
        ends = self.newest.ends - 4 * back
        both = [paper for paper in (self.years.get(ends), self.quarters.get(ends)) if paper]
        return self._amount(max(both, key=lambda paper: paper.filed_on, default=None), item)

    def period(self, item: str, back: int = 0) -> float:
        last_quarter, last_year = max(self.quarters, default=-1), max(self.years, default=-1)
        choices = [(self.quarters, last_quarter)] if last_quarter >= last_year else []
        for papers, ends in [*choices, (self.years, last_year)]:
            now, before = papers.get(ends), papers.get(ends - 4)
            if now and before and self._speaks(now) and now.currency == before.currency:
                paper = papers.get(ends - 4 * back)
                told = paper is not None and paper.currency == now.currency
                return paper.amounts.get(item, math.nan) if paper and told else math.nan
        return math.nan

    def year(self, item: str, back: int = 0) -> float:
        whole = [ends for ends in self.quarters if ends % 4 == 3 and self._is_run(ends)]
        ends = max([*self.years, *whole], default=-1)
        if ends < 0 or not self._speaks(self.years.get(ends) or self.quarters[ends]):
            return math.nan
        ends -= 4 * back
        if item in LEVELS:
            return self._amount(self.years.get(ends) or self.quarters.get(ends), item)
        return self._either(self._year(item, ends), self._sum(item, ends))

    def _speaks(self, paper: Paper) -> bool:
        return paper.filed_on >= self.since

    def _is_run(self, ends: int) -> bool:
        return all(ends - back in self.quarters for back in range(4))

    def _sum(self, item: str, ends: int) -> float:
        return math.fsum(self._amount(self.quarters.get(ends - back), item) for back in range(4))

    def _year(self, item: str, ends: int) -> float:
        return self._amount(self.years.get(ends), item)

    def _amount(self, paper: Paper | None, item: str) -> float:
        if paper is None or paper.currency != self.currency:
            return math.nan
        return paper.amounts.get(item, math.nan)

    @staticmethod
    def _either(one: float, other: float) -> float:
        return other if math.isnan(one) else one

    @staticmethod
    def _rest(year: Paper, others: list[Paper]) -> Paper:
        amounts = {}
        for item, amount in year.amounts.items():
            if item in LEVELS:
                amounts[item] = amount
            elif all(item in other.amounts for other in others):
                amounts[item] = amount - sum(other.amounts[item] for other in others)
        filed_on = max([year.filed_on, *(other.filed_on for other in others)])
        return Paper(year.year, 4, filed_on, year.currency, amounts)
