"""Splits and halts: what happens to a stock's price besides its walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import prod

import numpy as np

from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.universe import ORIGIN, Instrument
from stocks.providers.sandbox.walk import Floats

#: About 20 splits a year over the whole market.
_SPLITS_A_YEAR = 0.0077
_HALTS_A_YEAR = 0.015
_FORWARD = (Decimal(2), Decimal(3), Decimal(5), Decimal(10))
_REVERSE = (Decimal("0.2"), Decimal("0.1"))


@dataclass(frozen=True, slots=True)
class Split:
    """``ratio`` new shares for each old one from the session ``ex_date`` on."""

    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Halt:
    """No trading from ``first`` to ``last`` inclusive."""

    first: date
    last: date


def splits(seed: int, instrument: Instrument, through: date) -> list[Split]:
    """Splits of an invented stock up to ``through``, oldest first, at most one a year.

    Well-known companies have none: people know when those split.
    """
    if instrument.well_known:
        return []
    return [
        split for split, _ in _years(seed, instrument, through.year) if split and split.ex_date <= through
    ]


def halts(seed: int, instrument: Instrument, through: date) -> list[Halt]:
    """Spans without trading that begin by ``through``, of Korean stocks only, none in a split's year."""
    if instrument.well_known or instrument.venue.country != "KR":
        return []
    return [halt for _, halt in _years(seed, instrument, through.year) if halt and halt.first <= through]


@lru_cache(maxsize=8192)
def _years(seed: int, instrument: Instrument, last_year: int) -> list[tuple[Split | None, Halt | None]]:
    """One entry a year. Five draws each, so that the years before never change."""
    draws = generator(seed, instrument.code, "events").random((max(last_year - ORIGIN.year + 1, 0), 5))
    found: list[tuple[Split | None, Halt | None]] = []
    for year, (chance, when, which, halt_chance, length) in enumerate(draws.tolist(), start=ORIGIN.year):
        due = date(year, 1, 10) + timedelta(days=int(when * 330))
        split = halt = None
        if chance < _SPLITS_A_YEAR:
            ex_date = sessions.session_from(instrument.venue.calendar, due)
            split = Split(ex_date, _ratio(instrument, which))
        elif halt_chance < _HALTS_A_YEAR:
            halt = Halt(due, due + timedelta(days=3 + int(length * 20)))
        found.append((split, halt))
    return found


def _ratio(instrument: Instrument, which: float) -> Decimal:
    """Dear shares are split, cheap ones joined."""
    dear = instrument.middle > instrument.venue.typical / 2
    choices = _FORWARD if dear else _REVERSE
    return choices[int(which * len(choices))]


def factor_on(split_list: Sequence[Split], day: date) -> Decimal:
    """Shares on ``day`` per share at the origin."""
    return prod((split.ratio for split in split_list if split.ex_date <= day), start=Decimal(1))


def factors_on(split_list: Sequence[Split], days: sessions.Days) -> Floats:
    """The same for an array of days."""
    factors = np.ones(len(days))
    for split in split_list:
        factors[days >= np.datetime64(split.ex_date)] *= float(split.ratio)
    return factors
