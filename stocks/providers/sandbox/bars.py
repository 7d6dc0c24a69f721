"""Daily bars of many stocks at once, as whole numbers of smallest units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox import events, sessions, walk
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.ladders import Ladder, Units
from stocks.providers.sandbox.universe import Instrument, by_calendar
from stocks.providers.sandbox.walk import Floats, Motion

Flags = npt.NDArray[np.bool_]

# A carried close looks back to the last session before a halt; no halt and closure together last longer.
_LOOK_BACK = timedelta(days=60)
_GAP, _WICK = 0.35, 0.45


@dataclass(frozen=True, slots=True)
class Block:
    """Bars of stocks with one calendar: each array has the shape (stocks, days).

    Where ``listed`` is False there is no bar. Where ``halted`` is True there was no trade: the close is the
    one of the session before, open, high and low mean nothing and the volume is 0.
    """

    instruments: Sequence[Instrument]
    days: sessions.Days
    open: Units
    high: Units
    low: Units
    close: Units
    volume: Units
    listed: Flags
    halted: Flags


def bars(seed: int, instruments: Sequence[Instrument], start: date, end: date) -> Iterator[Block]:
    """The bars of the sessions from ``start`` to ``end`` inclusive, a block per calendar.

    Each stock's bars depend on the seed, its code and the day only: not on the other stocks asked for, nor on
    ``start`` and ``end``.
    """
    for calendar, members in by_calendar(instruments):
        days = sessions.sessions(calendar, start - _LOOK_BACK, end)
        if len(days):
            yield _cut(_block(seed, members, days), np.datetime64(start))


def _block(seed: int, instruments: Sequence[Instrument], days: sessions.Days) -> Block:
    motions = [walk.motion(seed, instrument) for instrument in instruments]
    length = walk.weekday_number(days[-1].astype(date)) + 1
    rows = np.busday_count(np.datetime64(walk.ORIGIN), days)
    logs = walk.log_prices(seed, instruments, motions, length)
    last = days[-1].astype(date)
    factors = np.stack([events.factors_on(events.splits(seed, i, last), days) for i in instruments])
    shape = _shapes(seed, instruments, length, rows)
    wobble = np.array([m.daily for m in motions])[:, None]

    middle_close = np.exp(logs[rows].T) / factors
    change = (logs[rows] - logs[np.maximum(rows - 1, 0)]).T
    middle_open = middle_close * np.exp(-change + _GAP * wobble * shape[0])
    open_, high, low, close = (np.empty(middle_close.shape, np.int64) for _ in range(4))
    for ladder, members in _by_ladder(instruments):
        close[members] = ladder.nearest(middle_close[members])
        open_[members] = ladder.nearest(middle_open[members])
        top, bottom = np.maximum(open_[members], close[members]), np.minimum(open_[members], close[members])
        wicks = np.exp(_WICK * wobble[members] * np.abs(shape[1:3, members]))
        high[members] = np.maximum(ladder.up(top * wicks[0]), top)
        low[members] = np.minimum(ladder.down(bottom / wicks[1]), bottom)
    volume = _volumes(seed, instruments, motions, change, shape[3]) * factors
    halted = np.stack([_halted(seed, instrument, days) for instrument in instruments])
    _carry(close, halted)
    return Block(
        instruments=instruments,
        days=days,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.where(halted, 0, np.rint(volume)).astype(np.int64),
        listed=np.stack([_listed(instrument, days) for instrument in instruments]),
        halted=halted,
    )


def _shapes(seed: int, instruments: Sequence[Instrument], length: int, rows: npt.NDArray[np.int64]) -> Floats:
    """Standard normal draws for gap, upper wick, lower wick and volume, shape (4, stocks, days)."""
    shapes = np.empty((4, len(instruments), len(rows)))
    for at, instrument in enumerate(instruments):
        draws = generator(seed, instrument.code, "shapes").standard_normal((length, 4), dtype=np.float32)
        shapes[:, at, :] = draws[rows].T
    return np.clip(shapes, -3.5, 3.5)


def _volumes(
    seed: int, instruments: Sequence[Instrument], motions: Sequence[Motion], change: Floats, noise: Floats
) -> Floats:
    """Shares traded before splits: some thousandths of all shares, more on days of large moves."""
    usual = np.empty((len(instruments), 1))
    for at, instrument in enumerate(instruments):
        turnover = generator(seed, instrument.code, "turnover").normal(0.0, 0.7)
        usual[at] = instrument.shares * 0.003 * float(np.exp(np.clip(turnover, -1.5, 1.5)))
    moves = np.minimum(np.abs(change) / np.array([m.daily for m in motions])[:, None], 4.0)
    return np.asarray(usual * np.exp(0.4 * noise + 0.3 * moves))


def _by_ladder(instruments: Sequence[Instrument]) -> list[tuple[Ladder, list[int]]]:
    members: dict[Ladder, list[int]] = {}
    for at, instrument in enumerate(instruments):
        members.setdefault(instrument.ladder, []).append(at)
    return list(members.items())


def _halted(seed: int, instrument: Instrument, days: sessions.Days) -> Flags:
    halted = np.zeros(len(days), bool)
    for halt in events.halts(seed, instrument, days[-1].astype(date)):
        halted |= (days >= np.datetime64(halt.first)) & (days <= np.datetime64(halt.last))
    return halted


def _listed(instrument: Instrument, days: sessions.Days) -> Flags:
    if instrument.listed_on is None:
        return np.ones(len(days), bool)
    return np.asarray(days >= np.datetime64(instrument.listed_on))


def _carry(close: Units, halted: Flags) -> None:
    """Put the last close before a halt on each day of it."""
    for stock in np.flatnonzero(halted.any(axis=1)):
        for day in np.flatnonzero(halted[stock]):
            if day > 0:
                close[stock, day] = close[stock, day - 1]


def _cut(block: Block, start: np.datetime64) -> Block:
    """Without the days that were only needed for carried closes."""
    kept = block.days >= start
    parts = ("open", "high", "low", "close", "volume", "listed", "halted")
    return Block(
        block.instruments, block.days[kept], **{part: getattr(block, part)[:, kept] for part in parts}
    )
