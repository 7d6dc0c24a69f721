"""The books of invented companies, quarter by quarter, many at once, and when they are filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox import events, walk
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.company import company
from stocks.providers.sandbox.ledger import Ints, lines
from stocks.providers.sandbox.universe import ORIGIN, Instrument
from stocks.providers.sandbox.walk import Floats
from stocks.types import BALANCE_LINES

Days = npt.NDArray[np.datetime64]

#: The first fiscal year; calendar years, for all companies.
FIRST_YEAR = ORIGIN.year - 3
_QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))


@dataclass(frozen=True)
class Books:
    """Periods of n companies: a company a row, a quarter or year a column, the oldest first.

    Attributes:
        ends: the last days of the periods, shape (periods,).
        filed_on: the days on which they become public; a year does with its fourth quarter.
        lines: ``STATEMENT_LINES`` in whole amounts of the currency.
        eps: in smallest units of a price.
        shares: outstanding at the ends.
    """

    ends: Days
    filed_on: Days
    lines: Mapping[str, Ints]
    eps: Ints
    shares: Ints

    @property
    def fiscal_years(self) -> Ints:
        return self.ends.astype("datetime64[Y]").astype(np.int64) + 1970


@dataclass(frozen=True)
class Outlook:
    """What is expected from a quarter's filing on, per share in smallest units of a price."""

    forward_eps: Ints
    forward_dps: Ints


def quarters(seed: int, instruments: Sequence[Instrument], through: date) -> Books:
    """All quarters from FIRST_YEAR to the year of ``through``, also those that are not filed yet."""
    ends = np.array(
        [date(year, *end) for year in range(FIRST_YEAR, through.year + 1) for end in _QUARTER_ENDS],
        dtype="datetime64[D]",
    )
    companies = [company(seed, one) for one in instruments]
    growth = np.array([walk.motion(seed, one).growth for one in instruments])[:, None]
    quarter = np.arange(len(ends)) % 4
    found = lines(seed, instruments, companies, walk.drifts(growth, ends[None, :]), quarter)
    shares = _shares(seed, instruments, np.broadcast_to(ends, growth.shape[:1] + ends.shape))
    filed_on = _filing_days(ends, quarter == 3, np.array([one.filing_lag for one in companies])[:, None])
    return Books(ends, filed_on, found, _per_share(found["net_profit"], shares, instruments), shares)


def years(instruments: Sequence[Instrument], books: Books) -> Books:
    """The same as fiscal years: the sums of their quarters, and what the last one ended with."""

    def whole(name: str, amounts: Ints) -> Ints:
        parts = amounts.reshape(len(amounts), -1, 4)
        return parts[:, :, 3] if name in BALANCE_LINES else parts.sum(axis=2)

    found = {name: whole(name, amounts) for name, amounts in books.lines.items()}
    shares = books.shares[:, 3::4]
    eps = _per_share(found["net_profit"], shares, instruments)
    return Books(books.ends[3::4], books.filed_on[:, 3::4], found, eps, shares)


def outlook(seed: int, instruments: Sequence[Instrument], books: Books) -> Outlook:
    """What is expected at each filing of a quarter: the last four go on growing, and so do the dividends."""
    companies = [company(seed, one) for one in instruments]
    growth = np.array([walk.motion(seed, one).growth for one in instruments])[:, None]
    noise = np.stack(
        [generator(seed, one.code, "outlook").standard_normal(len(books.ends)) for one in instruments]
    )
    total = np.cumsum(books.lines["net_profit"], axis=1)
    trailing = total - np.concatenate([np.zeros_like(total[:, :4]), total[:, :-4]], axis=1)
    expected = np.exp(growth + 0.05 * np.clip(noise, -2.5, 2.5))
    shares = _shares(seed, instruments, books.filed_on)
    units = 10.0 ** np.array([one.venue.digits for one in instruments])[:, None]
    price = np.array([one.middle * one.shares for one in instruments])[:, None] / shares
    paid = np.array([one.dividend_yield for one in companies])[:, None] / 100.0
    return Outlook(
        forward_eps=_whole(trailing * expected * units / shares),
        forward_dps=_whole(paid * price * walk.drifts(growth, books.filed_on)),
    )


def _filing_days(ends: Days, fourth: npt.NDArray[np.bool_], lag: Ints) -> Days:
    """About 45 days after a quarter; the fourth comes with the audited year, about 80 days after."""
    days = ends[None, :] + (lag + np.where(fourth, 71, 36)).astype("timedelta64[D]")
    return np.busday_offset(days, 0, roll="forward")


def _shares(seed: int, instruments: Sequence[Instrument], days: Days) -> Ints:
    """Shares of each company on each of its days, shape (companies, days)."""
    found = np.repeat(
        np.array([one.shares for one in instruments], dtype=np.int64)[:, None], days.shape[1], 1
    )
    through = days.max().astype(date)
    for row, one in enumerate(instruments):
        if split := events.splits(seed, one, through):
            found[row] = [int(one.shares * events.factor_on(split, day)) for day in days[row].astype(date)]
    return found


def _per_share(profit: Ints, shares: Ints, instruments: Sequence[Instrument]) -> Ints:
    """In smallest units of a price, exactly rounded half to even."""
    units = np.array([10**one.venue.digits for one in instruments])[:, None]
    found, rest = np.divmod(profit * units, shares)
    return found + ((2 * rest > shares) | ((2 * rest == shares) & (found % 2 == 1)))


def _whole(amount: Floats) -> Ints:
    return np.rint(amount).astype(np.int64)
