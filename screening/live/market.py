"""The columns that live screens are asked of: one version of the dataset, with the newest fresh prices.

A tick that is stale when it is seen is left out, as alerts leave it out. What was stored before this process
began is taken as it is, but a stock whose price is stale enters no screen until a fresh tick comes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from screening.grammar.tree import Condition
from screening.live.normal import MOVED
from screening.live.plan import Positions
from screening.snapshot.evaluate import evaluate
from screening.snapshot.quotes import Quotes, Terms, overlay
from screening.snapshot.read import Base
from screening.snapshot.table import Array, Flags, Snapshot, View
from screening.snapshot.ticks import newest_quotes
from stocks.batch import Batch
from stocks.sessions import FRESH_FOR, Schedule
from stocks.wire_text import micros

_NEVER: Final = np.iinfo(np.int64).max
#: Answers that are kept beside those of the screens of now.
_MOST_KEPT: Final = 1_000
_FRESH: Final = FRESH_FOR // timedelta(microseconds=1)


class Market:
    """A version of the dataset with the quotes of its stocks.

    Attributes:
        view: the figures with the prices laid over them. Its columns change with each batch of ticks.
        quotes: the newest of every stock, ``as_of`` -1 for none.
    """

    def __init__(self, base: Base) -> None:
        self._base = base
        self.quotes = base.quotes
        names, numbers = np.unique(np.array(base.terms.calendars, np.str_), return_inverse=True)
        self._calendars = [(base.terms.schedules[str(name)], numbers == at) for at, name in enumerate(names)]
        self._schedules = {name: _from(one, base.terms) for name, one in base.terms.schedules.items()}
        self.lay_over_all()
        self._fixed: dict[Condition, Flags] = {}
        self._laid = tuple(name for name in self.snapshot.fields if name in MOVED)
        self._laid_rows = [self.snapshot.at[name] for name in self._laid]

    def __len__(self) -> int:
        return len(self.snapshot)

    @property
    def snapshot(self) -> Snapshot:
        return self._base.snapshot

    @property
    def terms(self) -> Terms:
        return self._base.terms

    def has_recent(self, names: Collection[str]) -> bool:
        """Whether the last sessions of these fields were read."""
        return self.snapshot.recent.keys() >= set(names)

    # --- prices -------------------------------------------------------------------------------------------

    def take(self, batch: Batch, now: datetime, *, stale: bool = False) -> Positions:
        """Take over the newest ticks; returns the places of the stocks that have a newer one, rising.

        With ``stale`` also those that are stale at ``now``: what is caught up with at the start.
        """
        positions, quotes = newest_quotes(batch, self.snapshot.positions)
        return self._take(positions, quotes, now, stale=stale)

    def take_stored(self, quotes: Quotes, now: datetime, *, stale: bool = False) -> Positions:
        """The same of quotes that are stored, one for each stock."""
        return self._take(np.arange(len(self)), quotes, now, stale=stale)

    def moved_from(self, before: Market) -> None:
        """Take over the quotes of an earlier version where they are newer; lays none of them over."""
        _, old, new = np.intersect1d(
            before.snapshot.ids, self.snapshot.ids, assume_unique=True, return_indices=True
        )
        self.quotes.take(new, before.quotes.at(old))

    def lay_over(self, positions: Positions) -> Positions:
        """Work out the live columns of these stocks; returns those of which a figure changed."""
        part = overlay(self._part(positions), self._terms_of(positions), self.quotes.at(positions))
        differs = self.view.days[positions] != part.days
        self.view.days[positions] = part.days
        for name in self._laid:
            column, values = self.view.live[name], part.column(name)
            differs |= _differ(column[positions], values)
            column[positions] = values
        return positions[differs]

    def changed_since(self, before: Market) -> Positions:
        """The stocks of which any figure is another than in an earlier version, new ones among them."""
        differs = np.ones(len(self), bool)
        _, old, new = np.intersect1d(
            before.snapshot.ids, self.snapshot.ids, assume_unique=True, return_indices=True
        )
        differs[new] = self.view.days[new] != before.view.days[old]
        for name in self.snapshot.fields:
            differs[new] |= _differ(before.view.column(name)[old], self.view.column(name)[new])
        return np.flatnonzero(differs)

    def is_laid(self, positions: Positions) -> Flags:
        """Whose price is laid over the figures of the last session."""
        since = np.where(
            self.quotes.sandbox[positions], self.terms.since_close[positions], self.terms.since[positions]
        )
        laid: Flags = self.quotes.as_of[positions] >= since
        return laid

    def is_stale(self, positions: Positions, now: datetime) -> Flags:
        """Whose price is laid over the figures of the last session, and stale at ``now``."""
        stale = self._stale(self.quotes.as_of[positions], self.quotes.sandbox[positions], positions, now)
        return stale & self.is_laid(positions)

    def _take(self, positions: Positions, quotes: Quotes, now: datetime, *, stale: bool) -> Positions:
        if not stale and len(positions):
            fresh = ~self._stale(quotes.as_of, quotes.sandbox, positions, now)
            positions, quotes = positions[fresh], quotes.at(np.flatnonzero(fresh))
        return np.sort(self.quotes.take(positions, quotes))

    def _stale(
        self, as_of: npt.NDArray[np.int64], sandbox: Flags, positions: Positions, now: datetime
    ) -> Flags:
        moment = micros(now)
        old: Flags = moment - as_of > _FRESH
        if not old.any():
            return old
        found = old & sandbox
        for sessions, there in self._calendars:
            found |= old & ~sandbox & there[positions] & (as_of < _needed(sessions, now, moment))
        return found

    def lay_over_all(self) -> None:
        """Work out every live column anew, after many prices changed."""
        laid = overlay(self.snapshot, self.terms, self.quotes)
        live = {name: laid.column(name).copy() for name in self.snapshot.fields if name in MOVED}
        self.view = View(self.snapshot, live=live, days=laid.days.copy())

    def _part(self, positions: Positions) -> Snapshot:
        snapshot = self.snapshot
        return Snapshot(
            version=snapshot.version,
            fields=self._laid,
            ids=snapshot.ids[positions],
            texts={},
            markets=(),
            name_order=snapshot.name_order[positions],
            days=snapshot.days[positions],
            figures=snapshot.figures[np.ix_(np.array(self._laid_rows, np.intp), positions)],
        )

    def _terms_of(self, positions: Positions) -> Terms:
        terms = self.terms
        splits = {}
        if terms.splits:
            splits = {
                place: terms.splits[position]
                for place, position in enumerate(positions.tolist())
                if position in terms.splits
            }
        return Terms(
            calendars=[terms.calendars[position] for position in positions.tolist()],
            schedules=self._schedules,
            since=terms.since[positions],
            since_close=terms.since_close[positions],
            next_days=terms.next_days[positions],
            splits=splits,
        )

    # --- tests ----------------------------------------------------------------------------------------------

    def fixed(self, conditions: Sequence[Condition]) -> Flags:
        """Where conditions hold that no price moves, shape (conditions, n); the answers are kept."""
        if len(self._fixed) > _MOST_KEPT + 2 * len(conditions):
            self._fixed.clear()
        for one in conditions:
            if one not in self._fixed:
                self._fixed[one] = evaluate(one, self.view)
        return _stacked([self._fixed[one] for one in conditions], len(self))

    def ranked(self, conditions: Sequence[Condition]) -> Flags:
        """Where conditions hold by the prices of now, shape (conditions, n)."""
        view = View(self.snapshot, live=self.view.live, days=self.view.days)
        return _stacked([evaluate(one, view) for one in conditions], len(self))


def _from(sessions: Schedule, terms: Terms) -> Schedule:
    """The sessions that a price may be of which is laid over figures: of twenty years the last ones."""
    first = max(bisect_right(sessions.opens, int(terms.since_close.min(initial=_NEVER)) // 1_000_000) - 1, 0)
    return replace(sessions, opens=sessions.opens[first:], days=sessions.days[first:])


def _needed(sessions: Schedule, now: datetime, moment: int) -> int:
    """The oldest time of a price that is not stale now, in microseconds."""
    if sessions.is_open(now):
        return moment - _FRESH
    opening = sessions.last_open(now)
    return -1 if opening is None else micros(opening)


def _differ(before: Array, after: Array) -> Flags:
    """Where two columns differ; what is unknown in both does not."""
    differ: Flags = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return differ


def _stacked(rows: list[Flags], count: int) -> Flags:
    return np.array(rows, bool) if rows else np.zeros((0, count), bool)
