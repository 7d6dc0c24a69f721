"""One SELECT over the stocks and their figures, with conditions of a screen in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from screening.coverage import Coverage
from screening.grammar.tree import (
    And,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Crosses,
    Expression,
    Field,
    In,
    IsNull,
    Negative,
    Not,
    NotNull,
    Number,
    Or,
    Percentile,
    SectorRelative,
    Text,
    TextName,
)
from screening.sql import groups
from screening.sql.arithmetic import calculated, calculated_once, literal
from stocks.indicators.catalog import FIELDS
from stocks.models import LatestIndicators, RecentIndicators

_FIGURES: Final = frozenset(FIELDS)
_TEXTS: Final[dict[TextName, str]] = {
    "code": "stock.code",
    "name": "stock.name",
    "market": "stock.market_id",
    "sector": "stock.sector",
    "kind": "stock.kind",
    "currency": "stock.currency",
}
_COMPARISONS: Final = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", "!=": "<>"}


class Statement:
    """Conditions as SQL, and the tables they need.

    Every condition that is asked for with :meth:`condition` may stand once in the text, in the order they
    were asked for: ``parameters`` are in that order. ``figures`` and ``recent`` are tables, ``listed`` says
    which stocks there are, of ``stock`` and ``figures``.
    """

    def __init__(
        self,
        *,
        figures: str = LatestIndicators._meta.db_table,
        recent: str = RecentIndicators._meta.db_table,
        listed: str = "stock.is_active",
    ) -> None:
        self.figures = figures
        self.recent = recent
        self.listed = listed
        self.parameters: list[Any] = []
        self._tables: dict[str, str] = {}
        #: The columns in which stocks are compared with each other.
        self._compared: dict[str, None] = {}

    def select(self, columns: Sequence[str], where: Sequence[str] = ()) -> str:
        """The SELECT of these columns over the listed stocks, for which ``stock`` and ``figures`` stand."""
        shared = {"peers": groups.peers(self._compared, self.figures, self.listed)} if self._compared else {}
        tables = {**shared, **{name: sql for sql, name in self._tables.items()}}
        begin = ", ".join(f"{name} AS MATERIALIZED ({sql})" for name, sql in tables.items())
        joins = "".join(f" LEFT JOIN {name} ON {name}.id = stock.id" for name in self._tables.values())
        listed = " AND ".join([self.listed, *where])
        # What stands in it are the catalogue's names, literals of floats and the words above.
        return (
            f"{f'WITH {begin} ' if begin else ''}SELECT {', '.join(columns)} FROM stocks_stock AS stock"  # noqa: S608
            f" LEFT JOIN {self.figures} AS figures ON figures.stock_id = stock.id{joins} WHERE {listed}"
        )

    def condition(self, condition: Condition) -> str:
        """The condition as SQL: true, false, or NULL where it is unknown."""
        match condition:
            case And(items):
                return self._joined(" AND ", items) if items else "true"
            case Or(items):
                return self._joined(" OR ", items) if items else "false"
            case Not(item):
                return f"NOT ({self.condition(item)})"
            case Compare(op, left, right):
                return f"({self._value(left)} {_COMPARISONS[op]} {self._value(right)})"
            case Between(of, low, high):
                return self._between(of, low, high)
            case In(Text(name), values):
                self.parameters.append(list(values))
                return f"(NULLIF({_TEXTS[name]}, '') = ANY(%s))"
            case IsNull(of):
                return f"({self._tested(of)} IS NULL)"
            case NotNull(of):
                return f"({self._tested(of)} IS NOT NULL)"
            case Crosses():
                return f"{self._table(groups.crossings(condition, self.recent))}.value"

    def comparable(self, compared: Coverage) -> str:
        """What keeps the stocks out that lag behind their market."""
        parts = ["true"]
        for market, first_day in compared.first_days.items():
            self.parameters += [market, first_day]
            parts.append("(stock.market_id <> %s OR figures.date IS NULL OR figures.date >= %s)")
        return " AND ".join(parts)

    def _joined(self, word: str, items: Sequence[Condition]) -> str:
        return f"({word.join(self.condition(item) for item in items)})"

    def _between(self, of: Expression, low: Expression, high: Expression) -> str:
        ends = [self._value(low), self._value(high)]
        between = f"({self._value(of)} BETWEEN {ends[0]} AND {ends[1]})"
        # To SQL what lies below the low end is known to lie outside, whatever the high one is.
        unknown = [
            f"{end} IS NOT NULL"
            for end, ends_at in zip(ends, (low, high), strict=True)
            if not isinstance(ends_at, Number)
        ]
        return f"CASE WHEN {' AND '.join(unknown)} THEN {between} END" if unknown else between

    def _tested(self, of: Expression | Text) -> str:
        return f"NULLIF({_TEXTS[of.name]}, '')" if isinstance(of, Text) else self._value(of)

    def _value(self, expression: Expression) -> str:
        match expression:
            case Field(name):
                return f"figures.{self._column(name)}"
            case Number(value):
                return literal(value)
            case Negative(of):
                return f"(- {self._value(of)})"
            case Arithmetic(op, left, right):
                x, y = self._value(left), self._value(right)
                plain = not any(isinstance(side, Arithmetic | Negative) for side in (left, right))
                return f"({calculated(op, x, y)})" if plain else calculated_once(op, x, y)
            case Percentile(Field(name), within):
                return f"{self._table(groups.ranks(self._common(name), within))}.value"
            case SectorRelative(Field(name)):
                column = self._common(name)
                middle = f"{self._table(groups.medians(column))}.value"
                return f"({calculated('-', f'figures.{column}', middle)})"

    def _table(self, sql: str) -> str:
        """The name under which a table is joined; the same table is joined once."""
        return self._tables.setdefault(sql, f"joined_{len(self._tables)}")

    def _common(self, name: str) -> str:
        """The column of a field that the peers have as well."""
        column = self._column(name)
        self._compared[column] = None
        return column

    def _column(self, name: str) -> str:
        if name not in _FIGURES:
            raise LookupError(f"{name!r} is no field")
        return f'"{name}"'
