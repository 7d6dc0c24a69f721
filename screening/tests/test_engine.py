"""Screens from memory and from the database are the same."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from realtime.protocol.encoding import dumps
from screening.criteria import Criterion, Screen
from screening.engine import find_in
from screening.fields import FIELDS
from screening.grammar.tree import fields
from screening.queryset import matching
from screening.selectors import Matches, run_screen
from screening.snapshot.read import read
from screening.snapshot.table import View
from screening.tests.naive import Naive
from screening.tests.stocks_at_hand import CROSSING, FIGURES, found_in_memory, make_stocks
from screening.tests.test_screen_oracle import MARKETS, VALUES, screens
from screening.tests.trees import conditions
from stocks.models import LatestIndicators
from stocks.tests.factories import StockFactory, indicators

pytestmark = pytest.mark.django_db

NAMES_DRAWN = ("a", "B", "삼성", "É", '"', "b\\u")
SPECIAL = (
    0.00005,
    0.00015,
    -0.00005,
    1e-9,
    -1e-9,
    123456.78905,
    2.5,
    3.5,
    -0.5,
    1e15 + 0.5,
    1.234567e25,
    1e300,
)


@pytest.fixture
def view(db: None) -> View:
    """Eighty stocks whose figures are drawn from few values, some of them without any, some that lag."""
    chance = random.Random(5)
    for number in range(80):
        stock = StockFactory.create(
            code=f"{chance.choice(['S', 's', '^', '0', 'é'])}{number:02d}",
            name=f"{chance.choice(NAMES_DRAWN)} {number % 30}",
            market_id=chance.choice(MARKETS),
            currency=chance.choice(["KRW", "USD"]),
            kind=chance.choice(["equity", "equity", "etf"]),
            sector=chance.choice(["", "Steel", "Banks"]),
            is_active=number % 20 != 3,
        )
        if number % 10:
            figures: dict[str, Any] = {
                field: chance.choice(VALUES + list(SPECIAL)) if chance.random() < 0.7 else None
                for field in FIELDS
                if field != "book_yield"
            }
            indicators(stock, chance.choice(["2024-11-08", "2024-11-07", "2024-09-01"]), **figures)
    return View(read().snapshot)


@pytest.fixture
def naive(db: None) -> Naive:
    return Naive(make_stocks())


@pytest.fixture
def of_naive(naive: Naive) -> View:
    return View(read(CROSSING).snapshot)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=conditions(FIGURES, crossing=CROSSING, texts=("KOSPI", "Technology", "S07")))
def test_a_tree_finds_in_memory_what_it_finds_in_the_database(naive, of_naive, tree):
    codes = list(matching(tree).order_by("code").values_list("code", flat=True))
    assert found_in_memory(tree, of_naive) == codes == naive.codes(tree)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=conditions(FIGURES, crossing=CROSSING, texts=("KOSPI", "Technology")), screen=screens())
def test_a_reply_to_a_tree_is_the_same_byte_for_byte(db, tree, screen):
    if not LatestIndicators.objects.exists():
        make_stocks(wild=False)
    view = View(read(CROSSING).snapshot)
    asked = replace(screen, condition=tree, names=tuple(fields(tree)))
    assert told(asked, find_in(view, asked)) == told(asked, run_screen(asked))


def told(screen: Screen, matches: Matches) -> tuple[bytes, int, list[str]]:
    return dumps(matches.rows), matches.total, matches.warnings


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(screen=screens())
def test_a_reply_is_the_same_byte_for_byte(view, screen):
    assert told(screen, find_in(view, screen)) == told(screen, run_screen(screen))


def test_what_nobody_has_is_named_alike(view):
    criterion = Criterion(name="book_yield", field="book_yield", low=0.0, high=None)
    for sort_by in ("book_yield", "name", "roe"):
        for criteria in ((), (criterion,)):
            screen = Screen("ALL", criteria, sort_by, True, 1, 100)
            assert told(screen, find_in(view, screen)) == told(screen, run_screen(screen))


def test_every_field_is_written_alike(view):
    for first in range(0, len(FIELDS), 20):
        criteria = tuple(Criterion(name, name, None, None) for name in list(FIELDS)[first : first + 20])
        screen = Screen("ALL", criteria, "code", False, 1, 100)
        assert dumps(find_in(view, screen).rows) == dumps(run_screen(screen).rows)
