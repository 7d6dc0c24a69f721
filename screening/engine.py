"""Running a screen: from the columns in memory where they are at hand, else from the database.

Both give the same stocks in the same order with the same words about them. Only the prices may differ: in
memory the newest quotes lie over the last session's figures (``snapshot/quotes.py`` says over which), in the
database they do not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from django.conf import settings

from realtime.protocol.encoding import splice
from screening.coverage import COMPARED_WITHIN
from screening.criteria import Screen
from screening.fields import DEFAULT_COLUMNS, FIELDS, TEXTS, column
from screening.grammar.tree import And, Compare, Condition, Field, Number
from screening.selectors import Matches, run_screen
from screening.snapshot.evaluate import evaluate
from screening.snapshot.keeper import keeper
from screening.snapshot.order import page
from screening.snapshot.rows import written
from screening.snapshot.table import Array, Flags, View
from stocks.selectors.listing import ALL_MARKETS

ON: Final = "on"


def find(screen: Screen) -> Matches:
    """The stocks that a screen asks for; raises what `run_screen` does where it has to ask the database."""
    view = current_view()
    return run_screen(screen) if view is None else find_in(view, screen)


def current_view() -> View | None:
    """The columns in memory; None where this process keeps none, or has none that may be trusted."""
    return keeper.view() if settings.SCREEN_SNAPSHOT == ON else None


def find_in(view: View, screen: Screen) -> Matches:
    """The stocks of a view; as `run_screen` has it, the rows as JSON."""
    started = time.perf_counter()
    names = {name: column(name) for name in shown_names(screen)}
    listed = _listed(view, screen.market)
    found = evaluate(condition(screen), view) & listed & ~view.snapshot.lagging
    total = int(np.count_nonzero(found))
    positions = page(
        found,
        _keys(view, screen),
        descending=screen.descending,
        first=screen.first,
        count=screen.per_page,
    )
    warnings = list(_about(view, screen, listed, total, positions))
    rows = splice(written(view, positions, names))
    milliseconds = (time.perf_counter() - started) * 1000
    return Matches(rows=rows, total=total, milliseconds=milliseconds, warnings=warnings)


def condition(screen: Screen) -> Condition:
    """The criteria of a screen as a tree."""
    parts: list[Condition] = []
    for criterion in screen.criteria:
        if criterion.low is not None:
            parts.append(Compare(">=", Field(criterion.field), Number(criterion.low)))
        if criterion.high is not None:
            parts.append(Compare("<=", Field(criterion.field), Number(criterion.high)))
    return And(tuple(parts))


def shown_names(screen: Screen) -> dict[str, None]:
    """What a row shows, by the names the client used."""
    names = dict.fromkeys([*DEFAULT_COLUMNS, *(criterion.name for criterion in screen.criteria)])
    if screen.sort_by not in TEXTS:
        names[screen.sort_by] = None
    return names


def _listed(view: View, market: str) -> Flags:
    if market == ALL_MARKETS:
        return np.ones(len(view), bool)
    return view.snapshot.in_market(market)


def _keys(view: View, screen: Screen) -> Array:
    if screen.sort_by == "code":
        return np.arange(len(view), dtype=np.float64)
    if screen.sort_by == "name":
        return view.snapshot.name_order.astype(np.float64)
    return view.column(column(screen.sort_by))


def _about(view: View, screen: Screen, listed: Flags, total: int, positions: np.ndarray) -> Iterator[str]:
    if not total:
        for criterion in screen.criteria:
            if np.isnan(view.column(criterion.field)[listed]).all():
                yield f"No listed stock of this market has a value for {criterion.name}."
    # Unknown values come last, so where the first is unknown all are.
    elif len(positions) and not screen.first and np.isnan(_keys(view, screen)[positions[0]]):
        yield f"No stock found has a value for {screen.sort_by}; they are in order of code."
    covered = view.snapshot.covered(None if screen.market == ALL_MARKETS else screen.market)
    if covered.left_out:
        yield (
            f"Left out for a last session more than {COMPARED_WITHIN.days} days behind their market's "
            f"newest: {covered.left_out}."
        )
    asked = [screen.sort_by, *(criterion.name for criterion in screen.criteria)]
    amounts = [
        name for name in asked if name not in TEXTS and FIELDS[column(name)].unit in ("money", "price")
    ]
    if amounts and len(covered.currencies) > 1:
        yield (
            f"{', '.join(dict.fromkeys(amounts))} compares amounts of different currencies "
            f"({', '.join(covered.currencies)}) without converting them; choose one market."
        )
