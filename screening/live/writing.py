"""Members of live screens, and what is to be told of them, into the database: in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from screening.live.events import Move, packed
from screening.snapshot.table import Numbers
from stocks.failpoints import reach
from stocks.lease import Lease

# A process that is paused between two statements must not keep the lease and its rows for long.
_LET_GO = "SET LOCAL idle_in_transaction_session_timeout = '5s'"
_BEGIN = """
INSERT INTO screening_livescreen (screen_id, asked, told) VALUES (%(screen)s, %(asked)s, %(told)s)
ON CONFLICT (screen_id) DO UPDATE SET asked = excluded.asked, told = excluded.told
"""
_TELL = "UPDATE screening_livescreen SET told = %(told)s WHERE screen_id = %(screen)s"
_END = "DELETE FROM screening_livescreen WHERE screen_id = ANY(%(screens)s)"
_CLEAR = "DELETE FROM screening_screenmember WHERE screen_id = ANY(%(screens)s)"
_ENTER = """
INSERT INTO screening_screenmember (screen_id, stock_id)
SELECT (%(screens)s::uuid[])[at], stock FROM unnest(%(at)s::int[], %(stocks)s::int[]) AS given (at, stock)
ON CONFLICT DO NOTHING
"""
_LEAVE = """
DELETE FROM screening_screenmember AS member
 USING (SELECT (%(screens)s::uuid[])[at] AS screen_id, stock
          FROM unnest(%(at)s::int[], %(stocks)s::int[]) AS given (at, stock)) AS gone
 WHERE member.screen_id = gone.screen_id AND member.stock_id = gone.stock
"""
_KEEP = """
INSERT INTO screening_screenbatch (epoch, first, events) VALUES (%(epoch)s, %(first)s, %(events)s)
RETURNING number
"""
# The newest stays: its number is up to where the members follow what was told.
_FORGET = "DELETE FROM screening_screenbatch WHERE told_at IS NOT NULL AND number < %(number)s"


class Begun(NamedTuple):
    """A screen whose members were found anew: all of them by stock id."""

    screen_id: UUID
    asked: str
    told: bool
    members: Numbers


class Pairs(NamedTuple):
    """Screens and, pair by pair, which of them (from 0) a stock enters or leaves."""

    screens: Sequence[UUID]
    at: npt.NDArray[np.intp]
    stocks: Numbers


@dataclass(slots=True)
class Changes:
    """What comes of one look at the screens; ``moves`` are to be told in this order."""

    moves: list[Move] = field(default_factory=list)
    entered: Pairs | None = None
    left: Pairs | None = None
    begun: list[Begun] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)
    told: dict[UUID, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.moves or self.begun or self.ended or self.told)


def write(changes: Changes, *, lease: Lease, first: int) -> int:
    """Write what changed; returns the number of the batch, 0 where nothing is to be told.

    ``first`` is the number of its first event in this epoch. Raises LeaseLost, and then has written nothing.
    """
    number = 0
    # Within somebody else's transaction it would hold for all the rest of that.
    own = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if own:
                cursor.execute(_LET_GO)
            lease.check()
            if cleared := [*changes.ended, *(one.screen_id for one in changes.begun)]:
                cursor.execute(_CLEAR, {"screens": cleared})
            if changes.ended:
                cursor.execute(_END, {"screens": changes.ended})
            for screen_id, told in changes.told.items():
                cursor.execute(_TELL, {"screen": screen_id, "told": told})
            for one in changes.begun:
                cursor.execute(_BEGIN, {"screen": one.screen_id, "asked": one.asked, "told": one.told})
            for pairs in (_all_of(changes.begun), changes.entered):
                if pairs is not None:
                    cursor.execute(_ENTER, _values(pairs))
            if changes.left is not None:
                cursor.execute(_LEAVE, _values(changes.left))
            if changes.moves:
                given = {"epoch": lease.epoch, "first": first, "events": packed(changes.moves)}
                cursor.execute(_KEEP, given)
                (number,) = cursor.fetchone()
                cursor.execute(_FORGET, {"number": number})
        reach("mid_transaction")
    reach("after_commit")
    return number


def _all_of(begun: Sequence[Begun]) -> Pairs | None:
    if not begun:
        return None
    return Pairs(
        [one.screen_id for one in begun],
        np.repeat(np.arange(len(begun)), [len(one.members) for one in begun]),
        np.concatenate([one.members for one in begun]),
    )


def _values(pairs: Pairs) -> dict[str, object]:
    # Arrays of PostgreSQL count from 1.
    return {
        "screens": list(pairs.screens),
        "at": (pairs.at + 1).tolist(),
        "stocks": pairs.stocks.tolist(),
    }
