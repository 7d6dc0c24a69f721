"""The newest prices, laid over the figures of the last sessions.

A quote replaces figures only where it is newer than the session they follow: from the opening of the next
session on, by the calendar of the stock's market; in the sandbox, which never closes, from the close on. The
bar of a session is its last word. Then these figures are of the quote, all others stay those of the last
session, also where they are worked out from closes (averages, oscillators, ranges, scores, crossings):

- close_price, change_1d (to the previous close) and volume (of the session so far, unknown where the quote
  has none); and the row's trade_date;
- market_cap and the PROPORTIONAL figures, multiplied by what the price has risen to since the stored close;
  the INVERSE ones, divided by it. That is exact: their other part is what was filed, counted per share or in
  all, and does not move with the price.

Where a split lies between, the stored close is brought to the quote's share basis first, and the previous
close is ours, because nobody says on which side of the split a provider's own stands. Where the two share
bases do not agree, or a price has more than doubled or halved since with nothing on file to say why, what
needs both is unknown: better no figure than one that is a split apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from screening.snapshot.table import Array, Days, Flags, Snapshot, View
from stocks.adjust import adjustment_factors
from stocks.indicators.reductions import change
from stocks.overview.figures import SAME_BASIS
from stocks.sessions import Schedule
from stocks.types import Action

#: Times in microseconds since 1970, and numbers of ticks.
Units = npt.NDArray[np.int64]

#: Figures that rise in proportion with the price.
PROPORTIONAL: Final = (*("market_cap", "per_ttm", "per_fwd", "pbr", "ptbv", "psr", "pcr", "p_fcf", "peg"),)
#: Figures that fall in proportion with it.
INVERSE: Final = (
    *("earnings_yield", "fcf_yield", "book_yield", "sales_yield"),
    *("shareholder_yield", "buyback_yield", "dividend_yield_ttm", "dividend_yield_fwd"),
)
#: How many times a price may rise or fall since the stored close without a word on file.
PLAUSIBLE: Final = 2.0

_NEVER: Final = np.iinfo(np.int64).max
_SECOND: Final = 1_000_000
_NO_DAY: Final = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True)
class Terms:
    """From when on quotes replace the figures of a snapshot, by stock.

    Attributes:
        calendars: of every stock.
        schedules: the sessions of each calendar.
        since: the opening of the session after the figures' own; never where the calendar does not know it.
        since_close: the close of the figures' own session.
        next_days: the session after the figures' own, NaT where unknown.
        splits: actions with a ratio after the figures' own session, by position.
    """

    calendars: Sequence[str]
    schedules: Mapping[str, Schedule]
    since: Units
    since_close: Units
    next_days: Days
    splits: Mapping[int, Sequence[Action]]

    @classmethod
    def of(
        cls,
        days: Days,
        calendars: Sequence[str],
        schedules: Mapping[str, Schedule],
        splits: Mapping[int, Sequence[Action]],
    ) -> Terms:
        """The terms for figures of these days; a stock without figures has no quotes laid over them."""
        since = np.full(len(days), _NEVER)
        since_close = np.full(len(days), _NEVER)
        next_days = np.full(len(days), _NO_DAY)
        known: dict[tuple[str, date], tuple[int, int, np.datetime64]] = {}
        for at, (calendar, day) in enumerate(zip(calendars, days.tolist(), strict=True)):
            if day is None:
                continue
            if (key := (calendar, day)) not in known:
                known[key] = _after(schedules[calendar], day)
            since[at], since_close[at], next_days[at] = known[key]
        return cls(calendars, schedules, since, since_close, next_days, splits)


def _after(sessions: Schedule, day: date) -> tuple[int, int, np.datetime64]:
    close = sessions.close_of(day)
    opening = sessions.next_open(close)
    following = None if opening is None else sessions.session_of(opening)
    return (
        _NEVER if opening is None else int(opening.timestamp()) * _SECOND,
        int(close.timestamp()) * _SECOND + 1,
        _NO_DAY if following is None else np.datetime64(following, "D"),
    )


@dataclass(slots=True)
class Quotes:
    """The newest quote of every stock of a snapshot, as columns of shape (n,); ``as_of`` is -1 for none.

    ``sandbox`` says that the price is one of the invented market.
    """

    as_of: Units
    seq: Units
    price: Array
    previous_close: Array
    volume: Array
    sandbox: Flags

    @classmethod
    def none(cls, count: int) -> Quotes:
        """No quotes of so many stocks."""
        unknown = np.full(count, np.nan)
        return cls(
            as_of=np.full(count, -1),
            seq=np.full(count, -1),
            price=unknown,
            previous_close=unknown.copy(),
            volume=unknown.copy(),
            sandbox=np.zeros(count, bool),
        )

    def at(self, positions: npt.NDArray[np.intp]) -> Quotes:
        """The quotes at these places."""
        return Quotes(
            as_of=self.as_of[positions],
            seq=self.seq[positions],
            price=self.price[positions],
            previous_close=self.previous_close[positions],
            volume=self.volume[positions],
            sandbox=self.sandbox[positions],
        )

    def take(self, positions: npt.NDArray[np.intp], others: Quotes) -> npt.NDArray[np.intp]:
        """Take over those of ``others`` that are newer; each has its place among ``positions``, one a place.

        Returns the places that changed.
        """
        as_of, seq = self.as_of[positions], self.seq[positions]
        newer = (others.as_of > as_of) | ((others.as_of == as_of) & (others.seq > seq))
        changed = positions[newer]
        for name in ("as_of", "seq", "price", "previous_close", "volume", "sandbox"):
            getattr(self, name)[changed] = getattr(others, name)[newer]
        return changed


def overlay(snapshot: Snapshot, terms: Terms, quotes: Quotes) -> View:
    """The snapshot with the quotes laid over it, as above."""
    since = np.where(quotes.sandbox, terms.since_close, terms.since)
    at = np.flatnonzero(quotes.as_of >= since)
    if not len(at):
        return View(snapshot)
    price, day = quotes.price[at], _days(at, terms, quotes)
    with np.errstate(all="ignore"):
        factor, split = _splits(at, day, snapshot, terms)
        own = snapshot.figures[snapshot.at["close_price"]][at] / factor
        follows = day == terms.next_days[at]
        theirs = quotes.previous_close[at]
        ours = np.where(follows, own, np.nan)
        previous = np.where(split | np.isnan(theirs), ours, theirs)
        risen = price / own
        is_near = np.abs(theirs / own - 1) <= float(SAME_BASIS)
        plausible = (risen <= PLAUSIBLE) & (risen >= 1 / PLAUSIBLE)
        risen[~np.where(follows & ~split & ~np.isnan(theirs), is_near, plausible)] = np.nan
        live = {
            "close_price": price,
            "change_1d": _finite(change(previous, price)),
            "volume": quotes.volume[at],
        }
        for name in PROPORTIONAL:
            if name in snapshot.at:
                live[name] = _finite(snapshot.figures[snapshot.at[name]][at] * risen)
        for name in INVERSE:
            if name in snapshot.at:
                live[name] = _finite(snapshot.figures[snapshot.at[name]][at] / risen)
    days = snapshot.days.copy()
    days[at] = day
    return View(
        snapshot,
        live={name: _laid(snapshot, name, at, values) for name, values in live.items()},
        days=days,
    )


def _laid(snapshot: Snapshot, name: str, at: npt.NDArray[np.intp], values: Array) -> Array:
    column = snapshot.figures[snapshot.at[name]].copy()
    column[at] = values
    return column


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _days(at: npt.NDArray[np.intp], terms: Terms, quotes: Quotes) -> Days:
    """The session that each quote belongs to; in the sandbox the day at its market's place."""
    days = np.full(len(at), _NO_DAY)
    calendars = np.array([terms.calendars[position] for position in at.tolist()])
    for calendar in set(calendars.tolist()):
        sessions = terms.schedules[calendar]
        there = calendars == calendar
        seconds = quotes.as_of[at[there]] // _SECOND
        session = np.searchsorted(np.array(sessions.opens), seconds, side="right") - 1
        # The clocks there go as they did at the newest of the prices: an hour's error once in half a year,
        # in an invented market.
        newest = datetime.fromtimestamp(int(seconds.max()), UTC).astimezone(sessions.timezone)
        offset = newest.utcoffset()
        local = seconds + (0 if offset is None else int(offset.total_seconds()))
        days[there] = np.where(
            quotes.sandbox[at[there]],
            (local // 86_400).astype("datetime64[D]"),
            np.array(sessions.days, "datetime64[D]")[session],
        )
    return days


def _splits(at: npt.NDArray[np.intp], day: Days, snapshot: Snapshot, terms: Terms) -> tuple[Array, Flags]:
    """How many shares one of the stored close has become by each quote, and whether there was a split."""
    factor, split = np.ones(len(at)), np.zeros(len(at), bool)
    places = {position: place for place, position in enumerate(at.tolist())} if terms.splits else {}
    for position, actions in terms.splits.items():
        if (place := places.get(position)) is None:
            continue
        then, now = snapshot.days[position].item(), day[place].item()
        before, after = adjustment_factors([then, now], actions, through=now)
        factor[place] = float(before / after)
        split[place] = any(action.ex_date <= now for action in actions)
    return factor, split
