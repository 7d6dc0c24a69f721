"""The JSON tree of a screen"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.grammar.errors import WrongTree
from screening.grammar.tree import (
    And,
    Arithmetic,
    Between,
    Compare,
    Crosses,
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
)
from screening.grammar.where import read_where
from screening.grammar.writing import write_where
from screening.tests.test_grammar_text import FIGURES, NAMED, _as_stored
from screening.tests.trees import conditions

PER, PBR, ROE, CLOSE = Field("per_ttm"), Field("pbr"), Field("roe"), Field("close_price")
CHEAP = {"field": "per", "op": "lt", "value": 15}


def read(value: Any):
    return read_where(value, NAMED).condition


def nested(word: str, times: int) -> Any:
    tree: Any = CHEAP
    for _ in range(times):
        tree = {word: tree} if word == "not" else {word: [tree, CHEAP]}
    return tree


def test_it_works():
    asked = read_where(
        {
            "and": [
                {"field": "per", "op": "lt", "value": 15},
                {"not": {"field": "sector", "op": "in", "value": ["Financials"]}},
                {"field": "roe", "op": "gt", "other": "roe_5y_avg"},
            ]
        },
        NAMED,
    )
    assert asked.condition == And(
        (
            Compare("<", PER, Number(15)),
            Not(In(Text("sector"), ("Financials",))),
            Compare(">", ROE, Field("roe_5y_avg")),
        )
    )
    assert asked.names == ("per", "roe", "roe_5y_avg")


@pytest.mark.parametrize(
    ("where", "tree"),
    [
        (CHEAP, Compare("<", PER, Number(15))),
        ({"or": [CHEAP]}, Compare("<", PER, Number(15))),
        ({"or": [CHEAP, CHEAP]}, Or((Compare("<", PER, Number(15)),) * 2)),
        ({"field": "per", "op": "ne", "value": Decimal("-0.5")}, Compare("!=", PER, Number(-0.5))),
        ({"field": 3, "op": "gte", "other": "per"}, Compare(">=", Number(3), PER)),
        ({"field": "per", "op": "between", "value": [0, 12]}, Between(PER, Number(0), Number(12))),
        ({"field": "per", "op": "between", "other": [0, "pbr"]}, Between(PER, Number(0), PBR)),
        ({"field": "per", "op": "is_null"}, IsNull(PER)),
        ({"field": "sector", "op": "not_null"}, NotNull(Text("sector"))),
        ({"field": "market", "op": "eq", "value": "kospi"}, In(Text("market"), ("KOSPI",))),
        ({"field": "market", "op": "ne", "value": "KOSPI"}, Not(In(Text("market"), ("KOSPI",)))),
        ({"field": "code", "op": "not_in", "value": ["A", "B"]}, Not(In(Text("code"), ("A", "B")))),
        (
            {"field": {"op": "/", "left": "pbr", "right": "roe"}, "op": "lt", "value": 1},
            Compare("<", Arithmetic("/", PBR, ROE), Number(1)),
        ),
        ({"field": {"negative": "per"}, "op": "lt", "value": 1}, Compare("<", Negative(PER), Number(1))),
        (
            {"field": {"percentile": "roe"}, "op": "gte", "value": 80},
            Compare(">=", Percentile(ROE, "market"), Number(80)),
        ),
        (
            {
                "field": {"sector_relative": "per"},
                "op": "lt",
                "other": {"percentile": "roe", "within": "all"},
            },
            Compare("<", SectorRelative(PER), Percentile(ROE, "all")),
        ),
        (
            {"field": "close_price", "op": "crosses_above", "other": "sma_60", "within": 3},
            Crosses("above", CLOSE, Field("sma_60"), 3),
        ),
        ({"field": "close_price", "op": "crosses_below", "value": 5}, Crosses("below", CLOSE, Number(5))),
    ],
)
def test_what_a_tree_means(where, tree):
    assert read(where) == tree


@pytest.mark.parametrize(
    ("where", "path", "message"),
    [
        (None, "", "must be a condition"),
        ([], "", "must be a condition"),
        ("per < 5", "", "must be a condition"),
        ({}, "", 'needs "field" and "op"'),
        ({"op": "lt", "value": 1}, "", 'needs "field"'),
        ({"and": []}, "and", "must be a list of one or more"),
        ({"and": CHEAP}, "and", "must be a list of one or more"),
        ({"and": [CHEAP] * 51}, "and", "holds 51 conditions"),
        ({"and": [CHEAP] * 50}, "", "more than 50 parts"),
        ({"and": [CHEAP], "or": [CHEAP]}, "", 'unknown key "or"; allowed: and'),
        ({"and": [CHEAP], "_connector": "OR"}, "", 'unknown key "_connector"'),
        ({"not": [CHEAP]}, "not", "must be a condition"),
        (
            {"and": [CHEAP, {"not": {"field": "nope", "op": "lt", "value": 1}}]},
            "and[1].not.field",
            "unknown field",
        ),
        ({**CHEAP, "field": "user__password"}, "field", 'unknown field "user__password"; allowed: per_ttm'),
        ({**CHEAP, "field": None}, "field", "must be a number"),
        ({**CHEAP, "field": True}, "field", "must be a number"),
        ({**CHEAP, "field": ["per"]}, "field", "must be a number"),
        ({**CHEAP, "op": "regex"}, "op", "must be one of: lt, lte, gt"),
        ({**CHEAP, "op": ["lt"]}, "op", "must be one of"),
        ({"field": "per", "value": 1}, "op", "must be one of"),
        ({**CHEAP, "_negated": True}, "", 'unknown key "_negated"; allowed: field, op, value, other'),
        ({"field": "per", "op": "lt"}, "", 'needs either "value" or "other"'),
        ({**CHEAP, "other": "roe"}, "", 'needs either "value" or "other"'),
        ({**CHEAP, "value": "15"}, "value", "must be a number"),
        ({**CHEAP, "value": True}, "value", "must be a number"),
        ({**CHEAP, "value": None}, "value", "must be a number"),
        ({**CHEAP, "value": float("nan")}, "value", "a number must lie between"),
        ({**CHEAP, "value": Decimal("NaN")}, "value", "a number must lie between"),
        ({**CHEAP, "value": float("inf")}, "value", "a number must lie between"),
        ({**CHEAP, "value": Decimal("1e308")}, "value", "a number must lie between"),
        ({**CHEAP, "value": 10**400}, "value", "a number must lie between"),
        ({"field": "per", "op": "between", "value": [1]}, "value", "must be a list of two ends"),
        ({"field": "per", "op": "between", "value": [1, "roe"]}, "value[1]", "must be a number"),
        ({"field": "per", "op": "in", "value": [1]}, "op", "must be one of"),
        ({"field": "per", "op": "is_null", "value": True}, "", 'unknown key "value"'),
        ({"field": "market", "op": "lt", "value": "A"}, "op", "must be one of: eq, ne, in"),
        ({"field": "market", "op": "in", "value": "KOSPI"}, "value", "must be a list of 1 to 100 texts"),
        ({"field": "market", "op": "in", "value": []}, "value", "must be a list of 1 to 100 texts"),
        ({"field": "market", "op": "in", "value": ["A"] * 101}, "value", "must be a list of 1 to 100 texts"),
        ({"field": "market", "op": "in", "value": [None]}, "value", "must be a text"),
        ({"field": "market", "op": "eq", "value": {"a": 1}}, "value", "must be a text"),
        ({"field": "name", "op": "eq", "value": "a\x00"}, "value", "cannot be printed"),
        ({"field": "name", "op": "eq", "value": "\ud800"}, "value", "cannot be printed"),
        ({"field": "name", "op": "eq", "value": "a" * 201}, "value", "from 1 to 200 characters"),
        ({**CHEAP, "field": {"op": "%", "left": 1, "right": 2}}, "field.op", "must be one of: +, -, *, /"),
        ({**CHEAP, "field": {"op": "+", "left": 1}}, "field.right", "must be a number"),
        ({**CHEAP, "field": {"op": "+", "left": "market", "right": 1}}, "field.left", "market is a text"),
        ({**CHEAP, "field": {"percentile": "market"}}, "field.percentile", "must be the name of a figure"),
        ({**CHEAP, "field": {"percentile": "per", "within": "world"}}, "field.within", "all, market, sector"),
        ({**CHEAP, "field": {"sector_relative": 5}}, "field.sector_relative", "must be the name of a figure"),
        ({"field": "per", "op": "crosses_above", "value": 1}, "field", "earlier sessions of per_ttm"),
        ({"field": "sma_60", "op": "crosses_above", "other": "per"}, "other", "earlier sessions of per_ttm"),
        (
            {"field": "sma_60", "op": "crosses_above", "value": 1, "within": 6},
            "within",
            "must be a number of sessions from 1 to 5",
        ),
        ({"field": "sma_60", "op": "crosses_above", "value": 1, "within": True}, "within", "from 1 to 5"),
        ({**CHEAP, "within": 2}, "", 'unknown key "within"'),
        (nested("not", 8), "not.not.not.not.not.not.not.not", "deeper than 8 levels"),
        (nested("and", 8), ".".join(["and[0]"] * 8), "deeper than 8 levels"),
        (nested("not", 500), ".".join(["not"] * 8), "deeper than 8 levels"),
    ],
)
def test_an_error_names_the_part_of_the_tree(where, path, message):
    with pytest.raises(WrongTree) as refused:
        read_where(where, NAMED)
    assert message in refused.value.message
    assert refused.value.path == path


def test_the_largest_trees_are_read():
    assert len(read({"and": [CHEAP] * 49}).items) == 49
    assert read(nested("not", 7)) is not None
    assert read({"or": [{"field": "market", "op": "ne", "value": "A"}] * 49}) is not None


@settings(max_examples=300, deadline=None)
@given(conditions(FIGURES, crossing=("close_price", "sma_60")))
def test_a_written_tree_reads_as_the_same_tree(tree):
    tree = _as_stored(tree)
    assert read(write_where(tree)) == tree


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["per", "lt", "market", "x"]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["and", "or", "not", "field", "op", "value", "other", "within", "left", "right", "percentile"]
            ),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(value):
    try:
        tree = read(value)
    except WrongTree as error:
        assert error.message
    else:
        assert read(write_where(tree)) == tree
