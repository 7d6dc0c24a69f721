"""The last sessions of the figures that follow bars alone: which are stored and still hold, and what is new.

An earlier session follows from the bars up to it, read as they are read today: a split, a dividend or a
corrected bar changes it, and so does the level of its market. The newest stored session carries a digest of
all it followed from. Where that is the digest of the same bars now, the sessions stored are, bit for bit,
what working them out again would give, and only the later ones are worked out. Where there is one later one,
what never forgets goes on from what it had come to, which is stored with the same digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from stocks.arrays import numbers
from stocks.indicators.bars import Array, Bars, Days
from stocks.indicators.catalog import INDICATORS, RECENT_FIELDS
from stocks.indicators.functions import VERSION as TALIB_VERSION
from stocks.indicators.series import CHAINS, LEFT, SERIES_IDS, next_and_left, recent, recent_and_left

#: Crossings are sought in the last five sessions, each beside the one before it.
KEPT_SESSIONS: Final = 6
#: Bytes of a digest.
DIGEST: Final = 32

#: So many stocks are laid out and digested at a time.
_BLOCK: Final = 16
_COLUMNS: Final = ("open", "high", "low", "close", "volume", "total", "market")
# The digest is of the formulas as well: a new version of one makes every stored session out of date. So does
# a new TA-Lib, whose last bits may be others, and another order of the chains.
_VERSIONS: Final = (f"{id_}:{INDICATORS[id_].version}" for id_ in RECENT_FIELDS if id_ in INDICATORS)
_FORMULAS: Final = sha256("|".join([*_VERSIONS, TALIB_VERSION, *(name for name, _ in CHAINS)]).encode())
_SERIES_OF: Final = [SERIES_IDS.index(id_) for id_ in RECENT_FIELDS if id_ in INDICATORS]
_STORED = """
SELECT stock_id, number, date, inputs, kept, chains FROM (
    SELECT DISTINCT ON (stock_id)
           stock_id, number, date, inputs, count(*) OVER (PARTITION BY stock_id) AS kept
    FROM stocks_recentindicators WHERE stock_id = ANY(%s::int[]) ORDER BY stock_id, date DESC
) AS newest LEFT JOIN stocks_indicatorstate USING (stock_id, inputs)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest stored session of a stock.

    ``inputs`` is the digest, ``kept`` the number of sessions, ``left`` what to go on from, (LEFT,), if known.
    """

    number: int
    day: date
    inputs: bytes
    kept: int
    left: Array | None = None


@dataclass(frozen=True, slots=True)
class Sessions:
    """The last sessions of n stocks, the newest last; NaN is unknown.

    Attributes:
        days: shape (n, sessions), NaT before a stock's first bar.
        values: RECENT_FIELDS, shape (n, sessions, fields).
        count: how many bars each stock has: the number of its newest session, (n,).
        fresh: how many of the newest sessions of each are not stored yet, (n,); others need not be there.
        inputs: the digest of each, as bytes of length DIGEST, (n,).
        left: what to go on from when a bar comes, (n, LEFT), NaN where unknown.
    """

    days: Days
    values: Array
    count: npt.NDArray[np.int64]
    fresh: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.bytes_]
    left: Array


def stored_sessions(stock_ids: Sequence[int]) -> Mapping[int, Stored]:
    """The newest stored session of each of the stocks that have one."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [numbers(stock_ids)])
        return {
            stock: Stored(number, day, inputs, kept, None if chains is None else np.frombuffer(chains))
            for stock, number, day, inputs, kept, chains in cursor.fetchall()
        }


def last_session(chunk: Sequence[Bars]) -> Array:
    """The newest values alone: (stocks, RECENT_FIELDS)."""
    return _values(chunk, recent(chunk, 1))[:, -1]


def last_sessions(stock_ids: Sequence[int], chunk: Sequence[Bars], stored: Mapping[int, Stored]) -> Sessions:
    """The last sessions of a chunk of stocks, with at least one bar each.

    Args:
        stock_ids: of the chunk, in its order.
        chunk: the bars.
        stored: what there is already; of a stock that is left out all sessions are worked out.
    """
    count = np.array([len(bars) for bars in chunk], dtype=np.int64)
    fresh = np.minimum(count, KEPT_SESSIONS)
    inputs = np.empty(len(chunk), dtype=f"V{DIGEST}")
    left = np.full((len(chunk), LEFT), np.nan)
    for row, (stock, table) in enumerate(zip(stock_ids, _tables(chunk), strict=True)):
        known = stored.get(stock)
        prefix = 0 if known is None else known.number
        before, after = _digests(table, chunk[row].shares[-1:], prefix)
        inputs[row] = np.void(after)
        if known is not None and known.inputs == before and known.kept == min(prefix, KEPT_SESSIONS):
            fresh[row] = min(count[row] - prefix, KEPT_SESSIONS)
            if known.left is not None and count[row] - prefix == 1:
                left[row] = known.left
    width = int(max(1, fresh.max()))
    values = np.full((len(chunk), width, len(RECENT_FIELDS)), np.nan)
    # Most stocks need one session, and some many: each kind by itself.
    goes_on = np.isfinite(left).all(axis=1)
    for is_chosen, needed in ((goes_on, 1), (~goes_on & (fresh <= 1), 1), (fresh > 1, width)):
        chosen = np.flatnonzero(is_chosen)
        if len(chosen):
            part = [chunk[row] for row in chosen.tolist()]
            if is_chosen is goes_on:
                series, left[chosen] = next_and_left(part, left[chosen])
            else:
                series, left[chosen] = recent_and_left(part, needed)
            values[chosen, width - needed :] = _values(part, series)
    days = np.full((len(chunk), width), np.datetime64("NaT", "D"))
    for row, bars in enumerate(chunk):
        last = bars.days[-width:]
        days[row, width - len(last) :] = last
    return Sessions(days, values, count, fresh, inputs, left)


def _values(chunk: Sequence[Bars], series: Array) -> Array:
    """RECENT_FIELDS, (stocks, sessions, fields): the close first, the others as they are in the series."""
    sessions = series.shape[1]
    found = np.empty((len(chunk), sessions, len(RECENT_FIELDS)))
    found[:, :, 1:] = series[:, :, _SERIES_OF]
    for row, bars in zip(found[:, :, 0], chunk, strict=True):
        close = bars.close[-sessions:]
        row[: sessions - len(close)] = np.nan
        row[sessions - len(close) :] = close
    return found


def _tables(chunk: Sequence[Bars]) -> Iterator[Array]:
    """All that a session of each stock follows from, a row a bar; each is good until the next is asked for.

    A few stocks are laid out at a time, in the same memory: what stays in the processor's cache is laid out
    and digested several times as fast.
    """
    blocks = [chunk[at : at + _BLOCK] for at in range(0, len(chunk), _BLOCK)]
    room = np.empty((max(sum(map(len, block)) for block in blocks), len(_COLUMNS) + 1))
    for block in blocks:
        ends = list(accumulate(map(len, block)))
        table = room[: ends[-1]]
        for column, name in enumerate(_COLUMNS):
            np.concatenate([getattr(bars, name) for bars in block], out=table[:, column])
        table[:, -1] = np.concatenate([bars.days for bars in block]).astype(np.int64)
        for first, end in zip([0, *ends], ends, strict=False):
            yield table[first:end]


def _digests(table: Array, shares: Array, prefix: int) -> tuple[bytes, bytes]:
    """The digest of the first ``prefix`` bars and of all; b"" for more than there are."""
    digest = _FORMULAS.copy()
    digest.update(shares.tobytes())
    if 0 < prefix <= len(table):
        digest.update(table[:prefix].data)
        before = digest.copy().digest()
    else:
        before, prefix = b"", 0
    digest.update(table[prefix:].data)
    return before, digest.digest()
