"""Many screens asked at once: the same stocks as each asked alone"""

from __future__ import annotations

import random

import numpy as np
import pytest

from screening.fields import FIELDS
from screening.grammar.tree import (
    And,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Crosses,
    Field,
    In,
    IsNull,
    Not,
    Number,
    Or,
    Percentile,
    SectorRelative,
    Text,
)
from screening.live import plan as module
from screening.live.normal import MOVED, Bound, Group, Kind, Whole, normal
from screening.live.plan import Plan
from screening.snapshot.evaluate import evaluate
from screening.snapshot.table import Flags, Snapshot, Texts, View
from screening.tests.stocks_at_hand import VALUES
from screening.tests.trees import RandomTrees

STOCKS = 300
ASKED = ("close_price", "pbr", "market_cap", "roe", "roa")
CROSSING = ("close_price", "sma_20")


@pytest.fixture(scope="module")
def view() -> View:
    chance = np.random.default_rng(8)
    figures = chance.choice([*VALUES, np.nan], (len(FIELDS), STOCKS))
    live = {name: chance.choice([*VALUES, np.nan], STOCKS) for name in MOVED if name in FIELDS}

    def texts(*values: str) -> Texts:
        return Texts.of(chance.choice(values, STOCKS).tolist())

    days = np.full(STOCKS, np.datetime64("2024-11-08", "D"))
    days[::17] = np.datetime64("2024-01-05", "D")
    snapshot = Snapshot(
        version=1,
        fields=tuple(FIELDS),
        ids=np.arange(STOCKS, dtype=np.int32),
        texts={
            "code": Texts.of(f"S{number:03d}" for number in range(STOCKS)),
            "name": Texts.of(f"Name {number:03d}" for number in range(STOCKS)),
            "market": texts("KOSPI", "NASDAQ"),
            "sector": texts("Technology", "Financials", ""),
            "kind": texts("equity", "equity", "etf"),
            "currency": texts("KRW", "USD"),
        },
        markets=("KOSPI", "NASDAQ"),
        name_order=np.arange(STOCKS, dtype=np.int32),
        days=days,
        figures=figures,
        recent={name: chance.choice([*VALUES, np.nan], (6, STOCKS)) for name in CROSSING},
    )
    return View(snapshot, live=live)


def alone(conditions: list[Condition], view: View) -> Flags:
    return np.array([evaluate(one, view) & ~view.snapshot.lagging for one in conditions])


def together(conditions: list[Condition], view: View, positions: np.ndarray) -> Flags:
    plan = Plan([normal(one) for one in conditions])
    fixed = np.array([evaluate(one, view) for one in plan.fixed]).reshape(-1, STOCKS)
    ranked = np.array([evaluate(one, view) for one in plan.ranked]).reshape(-1, STOCKS)
    return plan.matches(view, positions, fixed, ranked)


def drawn(count: int, seed: int = 3) -> list[Condition]:
    trees = RandomTrees(seed, fields=ASKED, crossing=CROSSING, numbers=(0.0, 0.5, 1.0, 5.0, -5.0))
    return [trees.draw() for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_random_screens_find_what_each_finds_alone(view, seed):
    conditions = drawn(2_000, seed)
    assert np.array_equal(together(conditions, view, np.arange(STOCKS)), alone(conditions, view))


@pytest.mark.parametrize("count", [1, 7, 63, 64, 65, 200])
def test_some_stocks_are_asked_as_all_are(view, count):
    conditions = drawn(300)
    positions = np.sort(np.array(random.Random(count).sample(range(STOCKS), count)))
    assert np.array_equal(together(conditions, view, positions), alone(conditions, view)[:, positions])


def test_a_large_market_is_asked_a_part_after_the_other(view, monkeypatch):
    conditions = drawn(100)
    monkeypatch.setattr(module, "_AT_ONCE", 100 * 64)
    assert np.array_equal(together(conditions, view, np.arange(STOCKS)), alone(conditions, view))


def test_every_comparison_treats_unknown_figures_as_it_does_alone(view):
    of = Field("pbr")
    conditions: list[Condition] = []
    for op in ("<", "<=", ">", ">=", "=", "!="):
        conditions += [Compare(op, of, Number(1.0)), Compare(op, Number(1.0), of)]
    conditions += [Between(of, Number(0.1), Number(5.0)), Between(of, Number(5.0), Number(0.1)), IsNull(of)]
    conditions += [Not(one) for one in conditions]
    assert np.array_equal(together(conditions, view, np.arange(STOCKS)), alone(conditions, view))


def test_a_screen_without_conditions_finds_all_that_are_compared_and_an_empty_choice_none(view):
    found = together([And(()), Or(())], view, np.arange(STOCKS))
    assert np.array_equal(found[0], ~view.snapshot.lagging)
    assert not found[1].any()


def test_no_screens_and_no_stocks_are_asked_nothing(view):
    assert Plan([]).matches(view, np.arange(5), *[np.zeros((0, STOCKS), bool)] * 2).shape == (0, 5)
    assert together(drawn(10), view, np.array([], np.intp)).shape == (10, 0)


def test_what_a_price_does_not_move_is_one_fixed_test():
    tree = And((Compare(">", Field("roe"), Number(5)), In(Text("market"), ("KOSPI",)), _close(100)))
    assert normal(tree) == Group(
        True,
        (
            Bound(">", "close_price", 100),
            Whole(Kind.FIXED, And((Compare(">", Field("roe"), Number(5)), In(Text("market"), ("KOSPI",))))),
        ),
    )


def test_crossings_look_at_closes_of_sessions_and_are_fixed():
    assert normal(Crosses("above", Field("close_price"), Field("sma_20"))) == Whole(
        Kind.FIXED, Crosses("above", Field("close_price"), Field("sma_20"))
    )


def test_a_rank_is_of_the_whole_market_only_where_a_price_moves_it():
    moved, still = Percentile(Field("pbr"), "market"), SectorRelative(Field("roe"))
    assert normal(Compare(">", moved, Number(50))) == Whole(Kind.RANKED, Compare(">", moved, Number(50)))
    assert normal(Compare(">", still, Number(0))) == Whole(Kind.FIXED, Compare(">", still, Number(0)))


def test_not_is_pushed_down_to_bounds():
    assert normal(Not(Or((_close(100), Compare("<=", Field("pbr"), Number(1)))))) == Group(
        True, (Bound("<=", "close_price", 100), Bound(">", "pbr", 1))
    )


def test_a_number_on_the_left_is_the_same_bound():
    assert normal(Compare("<", Number(100), Field("close_price"))) == Bound(">", "close_price", 100)


def test_conditions_that_differ_in_numbers_alone_are_asked_as_one(view):
    conditions: list[Condition] = [
        Compare(
            ">", Arithmetic("/", Field("pbr"), Number(number)), Arithmetic("+", Field("roe"), Number(-number))
        )
        for number in (0.0, 0.5, 1.0, -5.0)
    ]
    conditions += [Between(Number(number), Field("pbr"), Number(5.0)) for number in (0.1, 1.0)]
    conditions += [Not(one) for one in conditions]
    plan = Plan([normal(one) for one in conditions])
    assert [rows for _, rows in plan._others] == [4, 2, 4, 2]
    assert np.array_equal(together(conditions, view, np.arange(STOCKS)), alone(conditions, view))


def test_what_screens_share_is_asked_once():
    plan = Plan([normal(And((_close(100), _roe(number % 3)))) for number in range(30)])
    assert len(plan.fixed) == 3
    assert plan._tests == 4
    assert plan._size == 4 + 3


def _close(number: float) -> Condition:
    return Compare(">", Field("close_price"), Number(number))


def _roe(number: float) -> Condition:
    return Compare(">", Field("roe"), Number(number))
