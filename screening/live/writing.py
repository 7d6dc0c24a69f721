"""Members of live screens, and what is to be told of them, into the database: in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple
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
RETURNING id
"""
_TELL = "UPDATE screening_livescreen SET told = %(told)s WHERE id = %(live)s"
_END = "DELETE FROM screening_livescreen WHERE screen_id = ANY(%(screens)s) RETURNING id"
_CLEAR = "DELETE FROM screening_screenmember WHERE live_id = ANY(%(lives)s)"
_FILL = """
INSERT INTO screening_screenmember (live_id, stock_id) SELECT %(live)s, unnest(%(stocks)s::text::int[])
"""
# Arrays as texts: a list costs a call for each of its numbers.
_ENTER = """
INSERT INTO screening_screenmember (live_id, stock_id)
SELECT * FROM unnest(%(lives)s::text::int[], %(stocks)s::text::int[]) ON CONFLICT DO NOTHING
"""
_LEAVE = """
DELETE FROM screening_screenmember AS member
 USING unnest(%(lives)s::text::int[], %(stocks)s::text::int[]) AS gone (live, stock)
 WHERE member.live_id = gone.live AND member.stock_id = gone.stock
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
    """Stocks that enter or leave: numbers of live screens and ids of stocks, pair by pair."""

    lives: npt.NDArray[np.integer[Any]]
    stocks: Numbers


@dataclass(slots=True)
class Changes:
    """What comes of one look at the screens; ``moves`` are to be told in this order.

    ``told`` says by the number of a live screen whether its room is told from now on.
    """

    moves: list[Move] = field(default_factory=list)
    entered: Pairs | None = None
    left: Pairs | None = None
    begun: list[Begun] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)
    told: dict[int, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.moves or self.begun or self.ended or self.told)


class Written(NamedTuple):
    """The number of the batch, 0 where nothing is to be told, and those of the screens that began."""

    number: int
    lives: dict[UUID, int]


def write(changes: Changes, *, lease: Lease, first: int) -> Written:
    """Write what changed. ``first`` is the number of its first event in this epoch.

    Raises LeaseLost, and then has written nothing.
    """
    written = Written(0, {})
    filled = {one.screen_id: _array(one.members) for one in changes.begun}
    pairs = [(statement, _values(some)) for statement, some in _pairs(changes) if some is not None]
    events = packed(changes.moves)
    # Within somebody else's transaction it would hold for all the rest of that.
    own = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if own:
                cursor.execute(_LET_GO)
            lease.check()
            if ended := [*changes.ended, *filled]:
                cursor.execute(_END, {"screens": ended})
                cursor.execute(_CLEAR, {"lives": [live for (live,) in cursor.fetchall()]})
            for live, told in changes.told.items():
                cursor.execute(_TELL, {"live": live, "told": told})
            for one in changes.begun:
                cursor.execute(_BEGIN, {"screen": one.screen_id, "asked": one.asked, "told": one.told})
                (live,) = cursor.fetchone()
                written.lives[one.screen_id] = live
                cursor.execute(_FILL, {"live": live, "stocks": filled[one.screen_id]})
            for statement, values in pairs:
                cursor.execute(statement, values)
            if changes.moves:
                cursor.execute(_KEEP, {"epoch": lease.epoch, "first": first, "events": events})
                (number,) = cursor.fetchone()
                cursor.execute(_FORGET, {"number": number})
                written = written._replace(number=number)
        reach("mid_transaction")
    reach("after_commit")
    return written


def _pairs(changes: Changes) -> list[tuple[str, Pairs | None]]:
    return [(_ENTER, changes.entered), (_LEAVE, changes.left)]


def _values(pairs: Pairs) -> dict[str, str]:
    return {"lives": _array(pairs.lives), "stocks": _array(pairs.stocks)}


def _array(numbers: npt.NDArray[np.integer[Any]]) -> str:
    return "{" + ",".join(map(str, numbers.tolist())) + "}"
