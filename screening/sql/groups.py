"""Tables that a screen joins where it looks at more than one row: ranks, medians and crossings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from screening.grammar.tree import Crosses, Field, Group, Number
from screening.sql.arithmetic import literal
from stocks.overview.standings import COMPARED_WITHIN

# The equities that are compared: whose last session lies near their market's newest.
_PEERS: Final = f"""
SELECT one.* FROM (
    SELECT stock.id, stock.market_id, stock.sector, stock.kind, figures.date,
           max(figures.date) OVER (PARTITION BY stock.market_id) AS newest, {{columns}}
      FROM stocks_stock AS stock JOIN {{figures}} AS figures ON figures.stock_id = stock.id
     WHERE {{listed}}
) AS one
WHERE one.kind = 'equity' AND one.date >= one.newest - {COMPARED_WITHIN.days}
"""  # noqa: S608  # a constant

_RANKS: Final = """
SELECT one.id, CASE WHEN one.known > 1 THEN (100 * (one.below + one.equal / 2)) / (one.known - 1) END AS value
  FROM (
    SELECT peers.id,
           (rank() OVER (PARTITION BY {group} ORDER BY peers.{name}) - 1)::float8 AS below,
           (count(*) OVER (PARTITION BY {group}, peers.{name}) - 1)::float8 AS equal,
           (count(*) OVER (PARTITION BY {group}))::float8 AS known
      FROM peers WHERE peers.{name} IS NOT NULL{condition}
) AS one
"""
_GROUPS: Final[dict[Group, str]] = {
    "all": "true",
    "market": "peers.market_id",
    "sector": "peers.market_id, peers.sector",
}

_MEDIANS: Final = """
SELECT peers.id, CASE WHEN abs(middle.value) < 'Infinity' THEN middle.value END AS value
  FROM peers JOIN (
    SELECT peers.market_id, peers.sector, percentile_cont(0.5) WITHIN GROUP (ORDER BY peers.{name}) AS value
      FROM peers WHERE peers.sector <> ''
     GROUP BY peers.market_id, peers.sector
) AS middle ON middle.market_id = peers.market_id AND middle.sector = peers.sector
"""

_CROSSINGS: Final = """
SELECT one.stock_id AS id,
       CASE WHEN bool_or(one.then_left {before} one.then_right AND one.now_left {after} one.now_right)
            THEN true
            WHEN count(*) FILTER (WHERE one.now_left IS NOT NULL AND one.now_right IS NOT NULL
                                    AND one.then_left IS NOT NULL AND one.then_right IS NOT NULL) = {within}
            THEN false END AS value
  FROM (
    SELECT recent.stock_id, row_number() OVER sessions AS back,
           {left} AS now_left, {right} AS now_right,
           lead({left}) OVER sessions AS then_left, lead({right}) OVER sessions AS then_right
      FROM {recent} AS recent
    WINDOW sessions AS (PARTITION BY recent.stock_id ORDER BY recent.date DESC)
) AS one
 WHERE one.back <= {within}
 GROUP BY one.stock_id
"""


def peers(columns: Iterable[str], figures: str, listed: str) -> str:
    """The ``listed`` equities that are compared, with these quoted columns of the table ``figures``."""
    named = ", ".join(f"figures.{name}" for name in columns)
    return _PEERS.format(columns=named, figures=figures, listed=listed)


def ranks(name: str, within: Group) -> str:
    """The percentile of each of the ``peers`` that has one; ``name`` is a quoted column of theirs."""
    condition = " AND peers.sector <> ''" if within == "sector" else ""
    return _RANKS.format(group=_GROUPS[within], name=name, condition=condition)


def medians(name: str) -> str:
    """The median of the sector of each of the ``peers`` that has one."""
    return _MEDIANS.format(name=name)


def crossings(crosses: Crosses, recent: str) -> str:
    """Whether each stock crossed; NULL where that is unknown."""
    before, after = ("<=", ">") if crosses.direction == "above" else (">=", "<")
    return _CROSSINGS.format(
        left=_side(crosses.left),
        right=_side(crosses.right),
        before=before,
        after=after,
        within=crosses.within,
        recent=recent,
    )


def _side(side: Field | Number) -> str:
    return literal(side.value) if isinstance(side, Number) else f'recent."{side.name}"'
