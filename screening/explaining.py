"""Why a screen finds as many stocks as it does: what each criterion lets through, which one costs most."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection

from screening.conditions import criteria_of
from screening.coverage import coverage
from screening.criteria import Screen
from screening.grammar.printing import print_text
from screening.grammar.tree import Condition, In, Text
from screening.selectors import bounded
from screening.sql.statement import Statement
from stocks.selectors.listing import ALL_MARKETS


@dataclass(frozen=True, slots=True)
class Explained:
    """What one criterion does.

    ``matches`` stocks meet it by itself, of ``unknown`` ones it cannot be said. Without it the screen would
    find ``gained`` more.
    """

    condition: Condition
    matches: int
    unknown: int
    gained: int

    @property
    def text(self) -> str:
        return print_text(self.condition)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``total`` of the ``compared`` stocks meet all criteria; ``milliseconds`` is what the database took."""

    compared: int
    total: int
    criteria: tuple[Explained, ...]
    milliseconds: float

    @property
    def relax(self) -> int | None:
        """The number of the criterion that keeps most stocks out by itself, from 0; None where none does."""
        gains = [criterion.gained for criterion in self.criteria]
        return gains.index(max(gains)) if any(gains) else None


def explain(screen: Screen) -> Explanation:
    """Count what each criterion of a screen lets through; raises ScreenTooSlow.

    A filter is one criterion, and so is every condition of ``where`` and ``q`` that must hold by itself: the
    items of an And at the top, anything else as a whole.
    """
    criteria = (*(criterion.condition for criterion in screen.criteria), *criteria_of(screen.condition))
    statement = Statement()
    columns = [f"{statement.condition(criterion)} AS holds_{at}" for at, criterion in enumerate(criteria)]
    started = time.perf_counter()
    with bounded(), connection.cursor() as cursor:
        where = [statement.comparable(coverage(screen.market))]
        if screen.market != ALL_MARKETS:
            where.append(statement.condition(In(Text("market"), (screen.market,))))
        inner = statement.select(["stock.id", *columns], where)
        cursor.execute(_counted(len(criteria), inner), statement.parameters)
        compared, total, *counts = cursor.fetchone()
    return Explanation(
        compared=compared,
        total=total,
        criteria=tuple(
            Explained(criterion, *counts[3 * at : 3 * at + 3]) for at, criterion in enumerate(criteria)
        ),
        milliseconds=(time.perf_counter() - started) * 1000,
    )


def _counted(criteria: int, inner: str) -> str:
    """The counts of all stocks, of those that meet all criteria, and three of each criterion."""
    missed = " + ".join(f"(holds_{at} IS NOT TRUE)::int" for at in range(criteria)) or "0"
    counts = ["count(*)", "count(*) FILTER (WHERE missed = 0)"]
    for at in range(criteria):
        counts += [
            f"count(*) FILTER (WHERE holds_{at})",
            f"count(*) FILTER (WHERE holds_{at} IS NULL)",
            # It is the one that a stock misses.
            f"count(*) FILTER (WHERE missed = 1 AND holds_{at} IS NOT TRUE)",
        ]
    columns = ", ".join(counts)
    return f"SELECT {columns} FROM (SELECT *, {missed} AS missed FROM ({inner}) AS one) AS two"  # noqa: S608
