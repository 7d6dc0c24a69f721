"""Models read by statements that are written by hand.

To put such a statement together anew takes Django longer than the database takes to answer it. It is worth
writing where a request asks it every time; anything else is a queryset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class Columns(Generic[Row]):
    """All columns of a model in their order: ``text`` names them in a statement, of the table ``alias``."""

    def __init__(self, model: type[Row], alias: str) -> None:
        fields = model._meta.concrete_fields
        self.text = ", ".join(f"{alias}.{field.column}" for field in fields)
        self._model, self._names = model, [field.attname for field in fields]

    def __len__(self) -> int:
        return len(self._names)

    def model(self, row: Sequence[Any]) -> Row:
        """The model of these columns, as a queryset would return it."""
        return self._model.from_db("default", self._names, row)


def select(*columns: Columns[Any]) -> str:
    """The beginning of a statement that reads these columns, one model's after the other's."""
    return f"SELECT {', '.join(one.text for one in columns)}"
