"""COPY into a temporary stage, then one MERGE into the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from stocks.loading.database import copy_rows, execute


@dataclass(frozen=True, slots=True)
class Upsert:
    """How staged rows become rows of ``table``.

    Attributes:
        key: columns that identify a row; none is null, but for those in ``nullable_key``.
        inserted: further columns of a new row.
        compared: those of ``inserted`` that also change a stored row, where they differ.
        carried: still further columns, written with every insert and change.
        blank: those of ``inserted`` that change a stored row only where it holds "" and the stage does not.
        constants: columns with one value for the whole load, written with every insert and change.
        inserted_constants: columns with one value, written with an insert.
    """

    table: str
    key: Sequence[str]
    inserted: Sequence[str]
    compared: Sequence[str] = ()
    carried: Sequence[str] = ()
    blank: Sequence[str] = ()
    nullable_key: Sequence[str] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    inserted_constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns of the stage."""
        return [*self.key, *self.nullable_key, *self.inserted, *self.carried]

    @property
    def stage(self) -> sql.Identifier:
        return sql.Identifier(f"load_{self.table}")

    def prepare(self) -> None:
        """Make the empty stage; it ends with the transaction."""
        statement = sql.SQL(
            "CREATE TEMPORARY TABLE {stage} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
        )
        execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(self.stage))
        execute(
            statement.format(stage=self.stage, columns=_names(self.columns), table=sql.Identifier(self.table))
        )

    def rows(self, rows: Iterable[Sequence[Any]]) -> tuple[int, int]:
        """Write rows of values, one a stage column; returns how many were inserted and updated."""
        copy_rows(self.copy_statement(), rows)
        return self.merge()

    def copy_statement(self) -> sql.Composed:
        return sql.SQL("COPY {} ({}) FROM STDIN").format(self.stage, _names(self.columns))

    def merge(self) -> tuple[int, int]:
        """Take the stage into the table and empty it; returns how many rows were inserted and updated."""
        written = [*self.constants.values(), *self.inserted_constants.values()]
        counts = dict(execute(self._merge(), [*self.constants.values(), *written]))
        self.empty()
        return counts.get("INSERT", 0), counts.get("UPDATE", 0)

    def empty(self) -> None:
        """Empty the stage."""
        execute(sql.SQL("TRUNCATE {}").format(self.stage))

    def _merge(self) -> sql.Composed:
        same = [_pair("t.{0} = s.{0}", name) for name in self.key]
        same += [_pair("t.{0} IS NOT DISTINCT FROM s.{0}", name) for name in self.nullable_key]
        differs = [_pair("t.{0} IS DISTINCT FROM s.{0}", name) for name in self.compared]
        differs += [_pair("(t.{0} = '' AND s.{0} <> '')", name) for name in self.blank]
        changes = [_pair("{0} = s.{0}", name) for name in (*self.compared, *self.carried)]
        changes += [
            _pair("{0} = CASE WHEN t.{0} = '' THEN s.{0} ELSE t.{0} END", name) for name in self.blank
        ]
        changes += [_pair("{0} = %s", name) for name in self.constants]
        constants = [*self.constants, *self.inserted_constants]
        values = [_pair("s.{0}", name) for name in self.columns] + [sql.Placeholder() for _ in constants]
        return sql.SQL(
            "WITH done AS ("
            "  MERGE INTO {table} AS t USING {stage} AS s ON {same}"
            "  WHEN MATCHED AND ({differs}) THEN UPDATE SET {changes}"
            "  WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
            "  RETURNING merge_action() AS action"
            ") SELECT action, count(*) FROM done GROUP BY action"
        ).format(
            table=sql.Identifier(self.table),
            stage=self.stage,
            same=sql.SQL(" AND ").join(same),
            differs=sql.SQL(" OR ").join(differs),
            changes=sql.SQL(", ").join(changes),
            columns=_names([*self.columns, *constants]),
            values=sql.SQL(", ").join(values),
        )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def _pair(template: str, name: str) -> sql.Composed:
    return sql.SQL(template).format(sql.Identifier(name))
