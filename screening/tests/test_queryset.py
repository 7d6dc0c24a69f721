"""The database, and the columns in memory, find what plain Python finds over the same rows."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from screening.grammar.printing import print_text
from screening.grammar.tree import OPERATIONS, Arithmetic, Compare, Field, Number
from screening.queryset import matching
from screening.snapshot.read import read
from screening.snapshot.table import View
from screening.sql.statement import Statement
from screening.tests.naive import Naive, Row
from screening.tests.stocks_at_hand import CROSSING, FIGURES, VALUES, WILD, found_in_memory, make_stocks
from screening.tests.trees import RandomTrees, conditions

#: Conditions of one statement: asking for them one by one would take minutes.
AT_ONCE = 25


@pytest.fixture
def naive(db: None) -> Naive:
    return Naive(make_stocks())


def found_at_once(trees) -> list[list[str]]:
    """The codes that each tree finds."""
    statement = Statement()
    columns = [f"({statement.condition(tree)}) IS TRUE" for tree in trees]
    with connection.cursor() as cursor:
        cursor.execute(statement.select(["stock.code", *columns]), statement.parameters)
        rows = cursor.fetchall()
    return [sorted(code for code, *holds in rows if holds[at]) for at in range(len(trees))]


def test_ten_thousand_random_screens(naive):
    trees = RandomTrees(5, fields=FIGURES, crossing=CROSSING, numbers=[*VALUES, 1e300, 1e-300, 1e155])
    view, with_answers = View(read(CROSSING).snapshot), 0
    for _ in range(10_000 // AT_ONCE):
        asked = [trees.draw() for _ in range(AT_ONCE)]
        for tree, codes in zip(asked, found_at_once(asked), strict=True):
            expected = naive.codes(tree)
            assert codes == expected, print_text(tree)
            assert found_in_memory(tree, view) == expected, print_text(tree)
            with_answers += 0 < len(codes) < len(naive.rows)
    # Neither do most of them find nothing, nor everything.
    assert with_answers > 5_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=conditions(FIGURES, crossing=CROSSING, texts=("KOSPI", "Technology", "' OR 1=1 --", "%s %(x)s")))
def test_a_screen_as_a_queryset(naive, tree):
    codes = list(matching(tree).order_by("code").values_list("code", flat=True))
    assert codes == naive.codes(tree)


_TOP = 2.0**1023 * (2 - 2.0**-52)
_POWERS = (
    -1074,
    -1073,
    -1022,
    -1021,
    -600,
    -537,
    -512,
    -60,
    -59,
    -1,
    1,
    59,
    60,
    511,
    512,
    513,
    969,
    970,
    1023,
)
_EDGES = sorted(
    {
        *VALUES,
        *WILD,
        *(sign * 2.0**power for sign in (1, -1) for power in _POWERS),
        *(_TOP, -_TOP, 1 - 2.0**-53, 1 + 2.0**-52),
    }
)


@pytest.mark.django_db
@pytest.mark.parametrize("op", OPERATIONS)
def test_arithmetic_meets_the_limits_of_doubles_to_the_last_bit(op):
    naive, nowhere = Naive([]), Row({})
    figure = Field("per_ttm")
    with connection.cursor() as cursor:

        def results(tree, xs, ys):
            form = Statement()._value(tree)
            cursor.execute(
                f"SELECT {form} FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY"
                " AS figures(per_ttm, pbr, place) ORDER BY place",
                [xs, ys],
            )
            return [result for (result,) in cursor.fetchall()]

        pairs = [(x, y) for x in _EDGES for y in _EDGES]
        found = results(Arithmetic(op, figure, Field("pbr")), *map(list, zip(*pairs, strict=True)))
        assert found == [naive.value(Arithmetic(op, Number(x), Number(y)), nowhere) for x, y in pairs]
        for edge in _EDGES:
            # Numbers of the screen itself, which the planner calculates with before it runs anything.
            for right in (True, False):
                sides = (figure, Number(edge)) if right else (Number(edge), figure)
                found = results(Arithmetic(op, *sides), _EDGES, _EDGES)
                numbers = [(x, edge) if right else (edge, x) for x in _EDGES]
                assert found == [
                    naive.value(Arithmetic(op, Number(x), Number(y)), nowhere) for x, y in numbers
                ]


@pytest.mark.django_db
def test_only_what_the_catalogue_names_reaches_the_statement():
    for name in ("password", 'per_ttm"; DROP TABLE stocks_stock; --', "stock_id", ""):
        with pytest.raises(LookupError):
            matching(Compare("<", Field(name), Number(1)))
