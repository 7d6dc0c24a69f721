"""The consumer group ``screens``: every tick to the screens that it can move, by one process, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import numpy as np
import redis

from screening.live import reading
from screening.live.board import Board, Crossings
from screening.live.crossing import changes_of, fresh_only
from screening.live.definition import Definition
from screening.live.events import Event, Move
from screening.live.journal import Journal
from screening.live.loading import first_version, next_version, place_members
from screening.live.market import Market
from screening.live.plan import Positions
from screening.live.reading import Definitions
from screening.live.taking_up import Wanted, take_up
from screening.live.telling import Scene
from screening.live.updates import Updates
from screening.live.watching import Watching
from screening.live.writing import Changes
from screening.snapshot.read import read_quotes
from stocks.batch import Batch, sane
from stocks.dataset import data_version
from stocks.lease import Lease

logger = logging.getLogger(__name__)

#: Seconds between two looks at who watches what, and at what users and computations have changed.
LOOK_SECONDS: Final = 0.5
#: Between two rankings of prices among those of others.
RANK_SECONDS: Final = 1.0
#: Between two readings of the stored quotes, for ticks that never came.
QUOTES_SECONDS: Final = 60.0
#: Part of the time that reading other versions may take.
READING: Final = 0.2
_NEVER: Final = float("-inf")


class Evaluator:
    """Lays ticks over the columns, and writes and tells who enters and leaves screens.

    The members that the database holds are the truth: what comes of a batch is written before it is told, and
    whoever begins tells what was written and perhaps not told, and then what is different since.

    Args:
        lease: held by this process; without it nothing is written and LeaseLost is raised.
        client: for what the stream holds beyond the stored quotes.
        on_deliveries: told that mails or webhooks wait to be sent. It must not fail.
    """

    def __init__(
        self, lease: Lease, client: redis.Redis, on_deliveries: Callable[[], None] = lambda: None
    ) -> None:
        self._lease = lease
        self._client = client
        self._journal = Journal(lease, on_deliveries)
        self._watching = Watching()
        self._updates = Updates()
        self._definitions = Definitions()
        # Its prices are not lost where everything is read anew.
        self._before: Market | None = None
        self._rooms: set[UUID] = set()
        #: The numbers of the live screens.
        self._lives: dict[UUID, int] = {}
        self._looked_at = self._ranked_at = self._quotes_at = self._read_at = _NEVER
        self._read_took = 0.0
        self._has_ticks = False
        #: Whether memory may hold what the database does not.
        self._doubtful = True

    def handle(self, batch: Batch) -> None:
        """Lay the ticks of a batch over the columns, and ask the screens of these stocks."""
        now = datetime.now(UTC)
        self._stand(now)
        batch, refused = sane(batch, now)
        if refused:
            logger.warning("%d updates are not evaluated, such as %s", len(refused), refused[0])
        self._doubtful = True
        touched = self._market.take(batch, now)
        if len(touched):
            self._has_ticks = True
            self._lay_over(touched)
            # Also where no figure changed: a stock whose price was stale may enter now.
            self._ask(touched, now)
        self._doubtful = False
        self._tell(now)

    def look(self) -> None:
        """What is due besides ticks. Raises LeaseLost."""
        now = datetime.now(UTC)
        self._stand(now)
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._lease.check()
            self._watching.look()
            self._doubtful = True
            self._look_at_data(now)
            whole = self._look_at_screens(now)
            self._doubtful = False
            self._tell(now)
            self._journal.note_told()
            self._looked_at = time.monotonic() if whole else 0.0
        if self._has_ticks and time.monotonic() - self._ranked_at >= RANK_SECONDS:
            self._rank(now)
        self._tell_updates()

    def was_away(self) -> None:
        """Redis was away: there may be stored prices whose ticks are lost."""
        self._quotes_at = _NEVER

    def _stand(self, now: datetime) -> None:
        """Have everything in memory, and told, that the database holds."""
        if self._doubtful:
            self._begin(now)
            self._doubtful = False
        self._tell(now)

    def _begin(self, now: datetime) -> None:
        self._lease.check()
        stored = reading.stored()
        found = list(self._definitions.read(frozenset(stored)).values())
        before = self._before
        self._note_read(lambda: first_version(self._client, _recent(found), now, before))
        self._board = Board(self._market)
        # What asks something else since is begun anew at the next look.
        self._board.set([one for one in found if one.asked == stored[one.screen_id].asked])
        self._lives = {screen_id: one.live for screen_id, one in stored.items()}
        self._board.number(self._lives)
        gone = place_members(self._board, self._market, stored)
        self._rooms = {screen_id for screen_id, one in stored.items() if one.told}
        self._watching.keep(self._rooms)
        self._journal.begin()
        self._tell(now)
        reading.clear_orphans()
        self._end_deleted(stored.keys() - {one.screen_id for one in found})
        self._ask(np.arange(len(self._market)), now, gone)
        self._looked_at = _NEVER

    def _end_deleted(self, screen_ids: Set[UUID]) -> None:
        """End the live screens that were deleted while nobody looked."""
        if screen_ids:
            moves = [Move(Event.GONE, one) for one in screen_ids & self._rooms]
            self._journal.write(Changes(moves=moves, ended=list(screen_ids)))
            self._rooms -= screen_ids

    # --- looking ------------------------------------------------------------------------------------------

    def _look_at_data(self, now: datetime) -> None:
        """Another version of the dataset, and prices whose ticks did not come."""
        if data_version() != self._market.snapshot.version:
            if (time.monotonic() - self._read_at) * READING > self._read_took:
                self._take_version(self._board.crossing, now)
        elif time.monotonic() - self._quotes_at >= QUOTES_SECONDS:
            touched = self._market.take_stored(read_quotes(self._market.snapshot.ids), now)
            self._quotes_at = time.monotonic()
            self._lay_over(touched)
            self._ask(touched, now)

    def _take_version(self, recent: Iterable[str], now: datetime) -> None:
        before = self._market
        self._note_read(lambda: next_version(before, recent, now))
        self._board, gone = self._board.moved_to(self._market)
        self._board.number(self._lives)
        self._board.note_changed(self._market.changed_since(before))
        self._ask(np.arange(len(self._market)), now, gone)

    def _note_read(self, load: Callable[[], Market]) -> None:
        begun = time.monotonic()
        self._market = self._before = load()
        self._read_at = self._quotes_at = time.monotonic()
        self._read_took = self._read_at - begun

    def _look_at_screens(self, now: datetime) -> bool:
        """Take up what is watched and what users have changed; says whether that is all."""
        watched = self._watching.screens
        screens = self._definitions.read(watched)
        recent = _recent(screens.values())
        if not self._market.has_recent(recent):
            self._take_version(recent, now)
        wanted = Wanted(screens, self._watching.rooms & screens.keys(), watched - screens.keys())
        changes, whole = take_up(self._board, self._market, wanted, self._rooms, self._lives)
        self._rooms = set(wanted.rooms)
        self._watching.forget(wanted.deleted)
        if changes:
            self._lives |= self._journal.write(changes)
            self._board.number(self._lives)
            self._updates.keep(screens.keys())
        return whole

    def _rank(self, now: datetime) -> None:
        """Ask how the prices of now stand among others: all stocks, for the price of one moves all."""
        self._ranked_at, self._has_ticks = time.monotonic(), False
        if len(self._board.with_ranks):
            self._doubtful = True
            self._take_up(*self._board.rank_again(), now)
            self._doubtful = False
            self._tell(now)

    # --- asking -------------------------------------------------------------------------------------------

    def _lay_over(self, touched: Positions) -> None:
        """Lay the prices of these stocks over their figures."""
        self._board.note_changed(self._market.lay_over(touched))

    def _ask(self, positions: Positions, now: datetime, gone: Sequence[tuple[int, int]] = ()) -> None:
        """Write which of these stocks enter and leave; ``gone`` are members that are not listed any more.

        A stock whose price is stale enters nothing.
        """
        if len(positions) or gone:
            self._take_up(*self._board.differences(positions), now, gone)

    def _take_up(
        self, entered: Crossings, left: Crossings, now: datetime, gone: Sequence[tuple[int, int]] = ()
    ) -> None:
        entered = fresh_only(entered, self._market, now)
        if not (len(entered.stocks) or len(left.stocks) or gone):
            return
        changes = changes_of(
            entered,
            left,
            gone,
            market=self._market,
            board=self._board,
            alerts=self._watching.alerts,
            now=now,
        )
        self._journal.write(changes)
        self._board.apply(entered, left)

    # --- telling ------------------------------------------------------------------------------------------

    def _tell(self, now: datetime) -> None:
        # Nothing is known of alerts before the first look.
        alerts = self._watching.alerts if self._looked_at > _NEVER else None
        self._journal.tell(self._scene(), alerts, now)

    def _tell_updates(self) -> None:
        due = self._updates.due(self._board, self._watching.occupied)
        if due:
            self._journal.tell_updates(due, self._scene())
            self._updates.told(self._board, due)

    def _scene(self) -> Scene:
        return Scene(self._market, self._board, self._journal.number, self._rooms)


def _recent(definitions: Iterable[Definition]) -> set[str]:
    """The fields of which they ask the last sessions."""
    return set().union(*(one.crossing for one in definitions))
