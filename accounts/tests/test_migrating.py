"""Operations of migrations that are taken at once do what they would one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from accounts.migrating import AtOnce

pytestmark = pytest.mark.django_db
COLUMNS = ("width", "height", "depth")
ADDED: list[AddField | AddIndex | AddConstraint] = [
    *(AddField("Box", name, models.FloatField(null=True)) for name in COLUMNS),
    AddField("Label", "text", models.CharField(max_length=20, default="")),
    AddConstraint(
        "Box",
        models.CheckConstraint(condition=models.Q(width__gt=0) | models.Q(width=None), name="box_is_wide"),
    ),
    AddIndex("Box", models.Index(fields=["height", "depth"], name="box_by_height")),
]


def boxes() -> ProjectState:
    """A state of two models, of which one refers to the other, and their tables."""
    state = ProjectState()
    key = models.BigAutoField(primary_key=True)
    forwards(CreateModel("Box", [("id", key)]), state)
    label = CreateModel("Label", [("id", key.clone()), ("box", models.ForeignKey("Box", models.CASCADE))])
    forwards(label, state)
    return state


def forwards(operation: Operation, state: ProjectState) -> ProjectState:
    """Take the operation as a migration does; returns the state of before."""
    before = state.clone()
    operation.state_forwards("packing", state)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("packing", editor, before, state)
    return before


@contextmanager
def undone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT boxes")
        yield
        cursor.execute("ROLLBACK TO SAVEPOINT boxes")


def tables() -> list[Any]:
    """Columns, constraints and indexes, as the database tells them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text, attname, attnum, format_type(atttypid, atttypmod), attnotnull"
            " FROM pg_attribute WHERE attrelid::regclass::text LIKE 'packing%' AND NOT attisdropped"
            " UNION ALL SELECT conrelid::regclass::text, conname, 0, pg_get_constraintdef(oid), false"
            " FROM pg_constraint WHERE conrelid::regclass::text LIKE 'packing%'"
            " UNION ALL SELECT tablename, indexname, 0, indexdef, false"
            " FROM pg_indexes WHERE tablename LIKE 'packing%' ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()


def rendered(state: ProjectState) -> dict[str, Any]:
    """The classes of the models as they are in the state."""
    return {
        model.__name__: (
            [field.name for field in model._meta.get_fields()],
            model._meta.constraints,
            model._meta.indexes,
        )
        for model in state.apps.get_models()
    }


def test_the_tables_and_the_models_are_those_of_one_by_one():
    with undone():
        state = boxes()
        for operation in ADDED:
            forwards(operation, state)
        expected = tables(), rendered(state), state.models
    state = boxes()
    assert state.apps.get_model("packing", "Label")
    forwards(AtOnce(ADDED), state)
    assert (tables(), rendered(state), state.models) == expected
    names = [name for _, name, *_ in tables()]
    assert {*COLUMNS, "text", "box_is_wide", "box_by_height"} <= set(names)


def test_on_the_way_back_all_of_it_goes():
    state = boxes()
    before = tables()
    after = state.clone()
    operation = AtOnce(ADDED)
    forwards(operation, after)
    assert tables() != before
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("packing", editor, after, state)
    assert tables() == before


def test_a_state_that_nobody_has_rendered_stays_so():
    state = ProjectState()
    for operation in (CreateModel("Box", []), CreateModel("Label", []), AtOnce(ADDED)):
        operation.state_forwards("packing", state)
    assert "apps" not in state.__dict__
    assert set(COLUMNS) <= set(state.models["packing", "box"].fields)


def test_it_says_each_of_them():
    said = AtOnce(ADDED).describe()
    assert "Add field width to Box" in said
    assert "box_by_height" in said
