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
from screening.criteria import Screen
from screening.fields import column
from screening.past import run_past
from screening.selectors import Matches, about, run_screen, shown_names
from screening.snapshot.evaluate import crossed_fields, evaluate
from screening.snapshot.keeper import keeper
from screening.snapshot.order import page
from screening.snapshot.rows import written
from screening.snapshot.table import Array, Flags, View
from stocks.selectors.listing import ALL_MARKETS

ON: Final = "on"


def find(screen: Screen) -> Matches:
    """The stocks that a screen asks for; raises what `run_screen` does where it has to ask the database."""
    if screen.as_of is not None:
        return run_past(screen)
    view = view_for(screen)
    return run_screen(screen) if view is None else find_in(view, screen)


def view_for(screen: Screen) -> View | None:
    """The columns in memory that a screen can be answered from.

    None where this process keeps none, has none that may be trusted, or has not read yet all that is asked,
    and for a day in the past.
    """
    if screen.as_of is not None:
        return None
    view = current_view()
    if view is None or not (crossing := crossed_fields(screen.tree)):
        return view
    return view if keeper.has_recent(view, crossing) else None


def current_view() -> View | None:
    """The columns in memory, or None."""
    return keeper.view() if settings.SCREEN_SNAPSHOT == ON else None


def find_in(view: View, screen: Screen) -> Matches:
    """The stocks of a view; as `run_screen` has it, the rows as JSON."""
    started = time.perf_counter()
    names = {name: column(name) for name in shown_names(screen)}
    listed = _listed(view, screen.market)
    found = evaluate(screen.tree, view) & listed & ~view.snapshot.lagging
    total = int(np.count_nonzero(found))
    keys = sort_keys(view, screen)
    positions = page(found, keys, descending=screen.descending, first=screen.first, count=screen.per_page)
    warnings = [] if total else list(_without_values(view, screen, listed))
    # Unknown values come last, so where the first is unknown all are.
    if len(positions) and not screen.first and np.isnan(keys[positions[0]]):
        warnings.append(f"No stock found has a value for {screen.sort_by}; they are in order of code.")
    covered = view.snapshot.covered(None if screen.market == ALL_MARKETS else screen.market)
    warnings += about(covered.left_out, covered.currencies, screen)
    rows = splice(written(view, positions, names))
    milliseconds = (time.perf_counter() - started) * 1000
    return Matches(rows=rows, total=total, milliseconds=milliseconds, warnings=warnings)


def _listed(view: View, market: str) -> Flags:
    if market == ALL_MARKETS:
        return np.ones(len(view), bool)
    return view.snapshot.in_market(market)


def sort_keys(view: View, screen: Screen) -> Array:
    """What the stocks of a view are sorted by, shape (n,)."""
    if screen.sort_by == "code":
        return np.arange(len(view), dtype=np.float64)
    if screen.sort_by == "name":
        return view.snapshot.name_order.astype(np.float64)
    return view.column(column(screen.sort_by))


def _without_values(view: View, screen: Screen, listed: Flags) -> Iterator[str]:
    for name in screen.asked:
        if np.isnan(view.column(column(name))[listed]).all():
            yield f"No listed stock of this market has a value for {name}."
