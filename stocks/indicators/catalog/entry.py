"""What the catalogue says about one indicator."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Group = Literal[
    "valuation",
    "profitability",
    "growth",
    "stability",
    "efficiency",
    "dividend",
    "price",
    "volume",
    "trend",
    "oscillators",
    "risk",
    "composite",
]
#: percent: 1.43 means 1.43 %. ratio: a plain quotient. price: the stock's currency per share.
#: money: the stock's currency. shares: a number of shares. points: a scale of 0 to 100.
#: count: a whole number of what the formula counts. flag: 1 for yes, 0 for no. days: calendar days.
#: score: a number on the scale that its formula tells.
Unit = Literal["percent", "ratio", "price", "money", "shares", "points", "count", "flag", "days", "score"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One screenable figure of a stock: how it is worked out and when it is null.

    `min_bars` is the number of daily bars before the first value; `min_quarters` the number of
    quarters of statements (an annual statement counts as four). `version` rises when the formula
    changes, so that a stored value can be told from one of an older formula.
    """

    id: str
    group: Group
    unit: Unit
    formula: str
    source: str
    inputs: tuple[str, ...]
    min_bars: int = 0
    min_quarters: int = 0
    null_rule: str = "fewer bars than min_bars"
    version: int = 1
    aliases: tuple[str, ...] = ()


def by_id(entries: Iterable[Indicator]) -> dict[str, Indicator]:
    """The entries by id, in their order; ValueError where an id or alias is used twice."""
    table: dict[str, Indicator] = {}
    names: set[str] = set()
    for entry in entries:
        for name in (entry.id, *entry.aliases):
            if name in names:
                raise ValueError(f"The catalogue names {name!r} twice")
            names.add(name)
        table[entry.id] = entry
    return table
