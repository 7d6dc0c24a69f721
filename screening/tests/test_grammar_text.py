"""The text of a screen"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.fields import NAMES
from screening.grammar.errors import GrammarError, WrongText
from screening.grammar.printing import print_text
from screening.grammar.text import KEYWORDS, read_text
from screening.grammar.tree import (
    TEXT_NAMES,
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
from screening.grammar.vocabulary import Vocabulary
from screening.tests.trees import conditions

FIGURES = ("per_ttm", "pbr", "roe", "roe_5y_avg", "close_price", "sma_60")
NAMED = Vocabulary(
    {name: name for name in FIGURES} | {"per": "per_ttm"}, frozenset({"close_price", "sma_60"})
)
PER, PBR, ROE = Field("per_ttm"), Field("pbr"), Field("roe")
CLOSE, SMA = Field("close_price"), Field("sma_60")


def read(text: str):
    return read_text(text, NAMED).condition


def problem(text: str) -> WrongText:
    with pytest.raises(WrongText) as refused:
        read_text(text, NAMED)
    return refused.value


def test_it_works():
    text = (
        'market = "KOSPI" and per between 0 and 12 and roe > roe_5y_avg and close_price crosses_above sma_60'
    )
    asked = read_text(text, NAMED)
    assert asked.condition == And(
        (
            In(Text("market"), ("KOSPI",)),
            Between(PER, Number(0), Number(12)),
            Compare(">", ROE, Field("roe_5y_avg")),
            Crosses("above", CLOSE, SMA),
        )
    )
    assert asked.names == ("per", "roe", "roe_5y_avg", "close_price", "sma_60")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("per < 15", Compare("<", PER, Number(15))),
        ("per==15", Compare("=", PER, Number(15))),
        ("per <> -1.5e2", Compare("!=", PER, Number(-150))),
        (".5 <= per", Compare("<=", Number(0.5), PER)),
        ("per IS NULL", IsNull(PER)),
        ("sector is not null", NotNull(Text("sector"))),
        ("not per is null", Not(IsNull(PER))),
        ("per not between 1 and pbr", Not(Between(PER, Number(1), PBR))),
        ("per + pbr * roe < 1", Compare("<", Arithmetic("+", PER, Arithmetic("*", PBR, ROE)), Number(1))),
        ("(per + pbr) * roe < 1", Compare("<", Arithmetic("*", Arithmetic("+", PER, PBR), ROE), Number(1))),
        ("per - pbr - 1 > 0", Compare(">", Arithmetic("-", Arithmetic("-", PER, PBR), Number(1)), Number(0))),
        (
            "-per * -2 > --pbr",
            Compare(">", Arithmetic("*", Negative(PER), Number(-2)), Negative(Negative(PBR))),
        ),
        ("percentile(roe) > 80", Compare(">", Percentile(ROE, "market"), Number(80))),
        ("percentile(per, sector) < 20", Compare("<", Percentile(PER, "sector"), Number(20))),
        ("sector_relative(per) < 0", Compare("<", SectorRelative(PER), Number(0))),
        ("close_price crosses_below 70000 within 5", Crosses("below", CLOSE, Number(70000), 5)),
        ("market in ('kospi', \"NASDAQ\")", In(Text("market"), ("KOSPI", "NASDAQ"))),
        ('market != "KOSPI"', Not(In(Text("market"), ("KOSPI",)))),
        ('name not in ("a\\"b", \'c\\\\d\')', Not(In(Text("name"), ('a"b', "c\\d")))),
        ("kind = 'ETF'", In(Text("kind"), ("etf",))),
    ],
)
def test_what_a_text_means(text, tree):
    assert read(text) == tree


def test_and_binds_tighter_than_or_and_not_tighter_than_and():
    low, high, dear = Compare("<", PER, Number(1)), Compare(">", PER, Number(9)), Compare(">", PBR, Number(3))
    assert read("per < 1 or per > 9 and pbr > 3") == Or((low, And((high, dear))))
    assert read("(per < 1 or per > 9) and pbr > 3") == And((Or((low, high)), dear))
    assert read("not per < 1 and pbr > 3") == And((Not(low), dear))
    assert read("NOT (per < 1 AND pbr > 3)") == Not(And((low, dear)))
    assert read("((per)) < (1)") == low


@pytest.mark.parametrize(
    ("text", "column", "length", "message"),
    [
        ("", 1, 1, "a condition is expected, not the end"),
        ("   ", 4, 1, "not the end"),
        ("per", 1, 3, "this is a value; a condition is expected"),
        ("per + 1", 1, 7, "this is a value"),
        ("per <", 6, 1, "not the end"),
        ("per < 15 and prr > 1", 14, 3, 'unknown field "prr"; allowed: per_ttm, pbr'),
        ("per < 15 roe > 1", 10, 3, '"and", "or" or the end is expected, not "roe"'),
        ("per < 15)", 9, 1, '"and", "or" or the end is expected, not ")"'),
        ("(per < 15", 10, 1, '")" is expected, not the end'),
        ("1 < per < 15", 9, 1, "comparisons do not chain"),
        ("per between 1 and 2 = 3", 21, 1, "comparisons do not chain"),
        ("per between 1", 14, 1, '"and" and the upper end is expected, not the end'),
        ("per and roe > 1", 1, 3, "this is a value"),
        ("roe > 1 and (per)", 13, 5, "this is a value"),
        ("(roe > 1) + 2 > 3", 1, 9, "this is a condition; a number is expected"),
        ("per < (roe > 1)", 7, 9, "this is a condition; a number is expected"),
        ("market = KOSPI", 10, 5, 'a text in quotes is expected; write "KOSPI"'),
        ("market = 5", 10, 1, "a text in quotes is expected"),
        ('market < "KOSPI"', 8, 1, "market is a text and has no order; use =, != or in"),
        ("market + 1 > 2", 1, 6, "market is a text; a number is expected"),
        ('per = "5"', 7, 3, "a text can only follow a field such as market"),
        ("per in (1, 2)", 1, 3, "lists are for texts"),
        ("market in ()", 12, 1, "a text in quotes is expected"),
        ('market in ("A" "B")', 16, 3, '")" is expected'),
        ('market = ""', 10, 2, "a text has from 1 to 200 characters"),
        ('market = "KOSPI', 10, 6, "this text has no closing quote"),
        ("per = 1e999", 7, 5, "a number must lie between"),
        ("per = 1e301", 7, 5, "a number must lie between"),
        ("per = -1" + "0" * 308, 8, 309, "a number must lie between"),
        ("per = NaN", 7, 3, 'unknown field "NaN"'),
        ("per = Infinity", 7, 8, 'unknown field "Infinity"'),
        ("per ! 5", 5, 1, "! has no meaning here"),
        ("per < 5; drop table x", 8, 1, "; has no meaning here"),
        ("per__gte > 5", 1, 8, 'unknown field "per__gte"'),
        ("user__password > 5", 1, 14, 'unknown field "user__password"'),
        ("_connector = 5", 1, 10, 'unknown field "_connector"'),
        ("per < 1 -- x", 12, 1, 'unknown field "x"'),
        ("per < １", 7, 1, "１ has no meaning here"),
        ("per < \x00", 7, 1, "U+0000 has no meaning here"),
        ("per is 5", 8, 1, '"null" or "not null" is expected'),
        ("per is not 5", 12, 1, '"null" is expected'),
        ("and", 1, 3, "a field, a number or a condition is expected"),
        ("percentile(per, world) > 1", 17, 5, "one of all, market, sector is expected"),
        ("percentile(1) > 1", 12, 1, "a field is expected"),
        ("percentile(market) > 1", 12, 6, "the name of a figure is expected"),
        ("percentile > 1", 12, 1, '"(" is expected'),
        ("sector_relative(per, market) > 1", 20, 1, '")" is expected'),
        ("per crosses_above 5", 1, 3, "earlier sessions of per_ttm are not kept"),
        ("close_price crosses_above per", 27, 3, "allowed: close_price, sma_60"),
        ("close_price + 1 crosses_above 5", 1, 15, "the name of a figure is expected"),
        ("close_price crosses_above sma_60 within 6", 41, 1, "a number of sessions from 1 to 5"),
        ("close_price crosses_above sma_60 within 1.5", 41, 3, "a number of sessions from 1 to 5"),
        ("not " * 40 + "per < 1", 129, 3, "nested deeper than 32 levels"),
        ("(" * 40 + "per" + ")" * 40 + " < 1", 33, 1, "nested deeper than 32 levels"),
        ("per < " + "-" * 40 + "per", 39, 1, "nested deeper than 32 levels"),
        ("not " * 9 + "per < 1", 1, 43, "deeper than 8 levels"),
        (" and ".join(["per<1"] * 50), 1, 495, "more than 50 parts"),
        ("per < 1" + " " * 4000, 4001, 7, "has 4007 characters; the most is 4000"),
    ],
)
def test_an_error_points_at_the_column(text, column, length, message):
    error = problem(text)
    assert message in error.message
    assert (error.column, error.length) == (column, length)


def test_no_figure_has_the_name_of_a_keyword():
    assert not KEYWORDS & {*NAMES, *TEXT_NAMES}
    assert not set(NAMES) & set(TEXT_NAMES)


@settings(max_examples=400, deadline=None)
@given(conditions(FIGURES, crossing=("close_price", "sma_60")))
def test_a_printed_tree_reads_as_the_same_tree(tree):
    tree = _as_stored(tree)
    text = print_text(tree)
    assert read(text) == tree
    assert print_text(read(text)) == text


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *FIGURES,
                *KEYWORDS,
                "market",
                '"KOSPI"',
                "(",
                ")",
                ",",
                "<",
                "=",
                "-",
                "*",
                "1",
                "1e9",
                "'",
                "§",
            ]
        ),
        max_size=15,
    ).map(" ".join)
    | st.text(max_size=30)
)
def test_any_text_is_read_or_refused_at_a_column_of_it(text):
    try:
        tree = read(text)
    except GrammarError as error:
        assert isinstance(error, WrongText)
        assert error.message
        assert 1 <= error.column <= len(text) + 1
        assert error.length >= 1
    else:
        assert read(print_text(tree)) == tree


def _as_stored(tree):
    """The tree with its texts as they are stored, which is how they are read."""
    match tree:
        case And(items):
            return And(tuple(map(_as_stored, items)))
        case Or(items):
            return Or(tuple(map(_as_stored, items)))
        case Not(item):
            return Not(_as_stored(item))
        case In(Text("market" | "currency") as field, values):
            return In(field, tuple(value.upper() for value in values))
        case In(Text("kind") as field, values):
            return In(field, tuple(value.lower() for value in values))
    return tree
