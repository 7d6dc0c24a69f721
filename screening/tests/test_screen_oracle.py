"""POST /v1/screen gives what plain Python gives over the same rows."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.criteria import Criterion, Screen
from screening.fields import FIELDS, NAMES, column, shown
from screening.selectors import run_screen
from stocks.models import LatestIndicators
from stocks.tests.factories import StockFactory, indicators

VALUES = [-1e12, -5.0, -0.5, 0.0, 0.5, 1.0, 5.0, 15.0, 1e12]
MARKETS = ["KOSPI", "KOSDAQ", "NASDAQ"]
Row = dict[str, Any]


@pytest.fixture
def rows(db: None) -> list[Row]:
    """Sixty stocks whose figures are drawn from few values, so that ties and unknowns abound."""
    chance = random.Random(20)
    drawn = []
    for number in range(60):
        market = chance.choice(MARKETS)
        stock = StockFactory.create(code=f"S{number:02d}", name=f"Name {59 - number:02d}", market_id=market)
        figures: dict[str, Any] = {}
        if number % 10:
            figures = {field: chance.choice(VALUES) if chance.random() < 0.7 else None for field in FIELDS}
            indicators(stock, **figures)
        drawn.append({"code": stock.code, "name": stock.name, "market": market, **figures})
    return drawn


@st.composite
def screens(draw: st.DrawFn) -> Screen:
    bounds = st.none() | st.sampled_from(VALUES) | st.floats(-20, 20)
    criteria = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        low, high = draw(bounds), draw(bounds)
        if low is not None and high is not None and low > high:
            low, high = high, low
        criteria.append(Criterion(name=name, field=column(name), low=low, high=high))
    return Screen(
        market=draw(st.sampled_from(["ALL", *MARKETS, "KONEX"])),
        criteria=tuple(criteria),
        sort_by=draw(st.sampled_from([*NAMES, "code", "name"])),
        descending=draw(st.booleans()),
        page=draw(st.integers(1, 4)),
        per_page=draw(st.integers(1, 30)),
    )


def oracle(screen: Screen, rows: list[Row]) -> tuple[list[str], int]:
    """The codes of the page and the total, the long way."""

    def matches(row: Row) -> bool:
        if screen.market not in ("ALL", row["market"]):
            return False
        for criterion in screen.criteria:
            low = -math.inf if criterion.low is None else criterion.low
            high = math.inf if criterion.high is None else criterion.high
            if low == -math.inf and high == math.inf:
                continue
            value = row.get(criterion.field)
            if value is None or not low <= value <= high:
                return False
        return True

    field = screen.sort_by if screen.sort_by in ("code", "name") else column(screen.sort_by)
    found = sorted(filter(matches, rows), key=lambda row: row["code"])
    known = [row for row in found if row.get(field) is not None]
    # Python's sort keeps equal rows in order, also in reverse.
    known.sort(key=lambda row: row[field], reverse=screen.descending)
    ordered = known + [row for row in found if row.get(field) is None]
    first = (screen.page - 1) * screen.per_page
    return [row["code"] for row in ordered[first : first + screen.per_page]], len(found)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(screen=screens())
def test_a_screen_finds_what_plain_python_finds(rows, screen):
    matches = run_screen(screen)
    assert ([row["code"] for row in matches.rows], matches.total) == oracle(screen, rows)
    by_code = {row["code"]: row for row in rows}
    for found in matches.rows:
        for name in found.keys() - {"code", "name", "market", "currency", "trade_date"}:
            field = column(name)
            assert found[name] == shown(field, by_code[found["code"]].get(field))


def test_every_field_of_the_catalogue_has_its_column():
    columns = {field.name for field in LatestIndicators._meta.get_fields()}
    assert set(FIELDS) <= columns
