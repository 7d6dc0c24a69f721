"""The consumer group ``alerts``: every tick to the alerts of its stock, by one process, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
import redis

from screening.alerts import reading
from screening.alerts.book import Book
from screening.alerts.measures import Key, Sight, units
from screening.alerts.outbox import tell_rooms
from screening.alerts.writing import write
from screening.services.alerts import alerts_expire
from stocks import stream
from stocks.batch import Batch, Units, newest, sane
from stocks.consumer import TickConsumer
from stocks.dataset import data_version
from stocks.directory import Directory
from stocks.lease import Lease
from stocks.selectors.prices import is_stale
from stocks.sessions import FRESH_FOR
from stocks.types import Tick
from stocks.wire import AS_OF, PREVIOUS_CLOSE, PRICE, SEQ, UNKNOWN, VOLUME
from stocks.wire_text import micros, moment

logger = logging.getLogger(__name__)

GROUP = "alerts"
#: Seconds between two looks at what users and computations have changed, and between two readings of all.
LOOK_SECONDS = 1.0
ALL_SECONDS = 60.0
_NEVER = float("-inf")


class Seen(NamedTuple):
    """The newest tick of a stock that came by."""

    sight: Sight
    source: str


class Evaluator:
    """Shows ticks to the book of alerts and writes what comes of it.

    What the database holds is the truth, and ticks that are shown again change nothing, so whatever fails is
    done again from there. Ticks that are stale move no alert: the first fresh one does.

    Args:
        lease: held by this process; without it nothing is written and LeaseLost is raised.
        on_deliveries: told that mails or webhooks wait to be sent. It must not fail.

    ``fired`` counts the notifications that were written.
    """

    def __init__(self, lease: Lease, on_deliveries: Callable[[], None] = lambda: None) -> None:
        self.fired = 0
        self._lease = lease
        self._on_deliveries = on_deliveries
        self._directory = Directory()
        self._book = Book()
        self._seen: dict[str, Seen] = {}
        self._changed: dict[UUID, datetime] = {}
        self._read_until: datetime | None = None
        self._version = -1
        self._looked_at = self._all_at = _NEVER
        #: Whether the book may hold what the database does not.
        self._doubtful = True

    def handle(self, batch: Batch) -> None:
        """Evaluate the ticks of a batch, in their order."""
        if self._doubtful:
            self._read_all()
        now = datetime.now(UTC)
        batch, refused = sane(batch, now)
        if refused:
            logger.warning("%d updates are not evaluated, such as %s", len(refused), refused[0])
        self._doubtful = True
        for code, sight in self._sights(batch, now):
            self._book.tick(code, sight)
        self._write(now)
        self._doubtful = False
        self._remember(batch)

    def look(self) -> None:
        """What is due besides ticks, every second: changed alerts, computed figures, rooms.

        Raises LeaseLost.
        """
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._lease.check()
        now = datetime.now(UTC)
        if self._doubtful or time.monotonic() - self._all_at >= ALL_SECONDS:
            codes = self._read_all()
        else:
            codes = self._read_changed()
        self._doubtful = True
        self._look_at_figures(now, anew=bool(codes))
        for code in codes:
            # A tick that came after the alert was made, and before it was known here.
            seen = self._seen.get(code)
            if seen is not None and self._is_fresh(code, seen.source, seen.sight.key, now):
                self._book.tick(code, seen.sight)
        self._write(now)
        self._doubtful = False
        tell_rooms()
        self._looked_at = time.monotonic()

    def _read_all(self) -> set[str]:
        """Read every alert; returns the codes of their stocks."""
        alerts_expire(now=datetime.now(UTC))
        self._read_until = reading.database_time()
        self._book = Book()
        watches = reading.all_active()
        for watch in watches:
            self._book.put(watch)
        self._changed = {}
        self._version = -1
        self._all_at = time.monotonic()
        self._doubtful = False
        self._look_at_figures(datetime.now(UTC), anew=True)
        return {watch.code for watch in watches}

    def _read_changed(self) -> set[str]:
        """Read what users have changed; returns the codes of the stocks of what is there now."""
        assert self._read_until is not None
        until = reading.database_time()
        changed, times = reading.changed_since(self._read_until, self._changed)
        self._read_until = until
        self._changed |= times
        for alert_id in changed.others:
            self._book.drop(alert_id)
        for watch in changed.watches:
            self._book.put(watch)
        return {watch.code for watch in changed.watches}

    def _look_at_figures(self, now: datetime, *, anew: bool) -> None:
        """Volumes to compare with, and indicators, where alerts or figures are new."""
        version = data_version()
        if version == self._version and not anew:
            return
        codes, fields = self._book.asked()
        self._book.average_volumes(reading.average_volumes(codes) if codes else {})
        for figure in reading.fresh_figures(fields, now) if fields else ():
            self._book.figure(figure.code, figure.field, figure.value, figure.key)
        self._version = version

    def _write(self, now: datetime) -> None:
        moves = self._book.moves()
        if not moves:
            return
        written = write(moves, lease=self._lease, now=now)
        for move in moves:
            # Changed by its user, stopped or deleted: it is read anew where it is still there.
            if move.alert_id not in written.moved:
                self._book.drop(move.alert_id)
        self.fired += written.told
        if written.told:
            tell_rooms()
        if written.to_send:
            self._on_deliveries()

    def _sights(self, batch: Batch, now: datetime) -> Iterator[tuple[str, Sight]]:
        """The fresh ticks of stocks with alerts, each newer than those before it."""
        self._directory.places(code for code in batch.codes if code in self._book)
        keys: dict[str, Key] = {}
        for code, source, sight in self._in_order(batch):
            last = keys.get(code)
            if last is None and (seen := self._seen.get(code)) is not None:
                last = seen.sight.key
            if last is not None and sight.key <= last:
                continue
            keys[code] = sight.key
            if self._is_fresh(code, source, sight.key, now):
                yield code, sight

    def _in_order(self, batch: Batch) -> Iterable[tuple[str, str, Sight]]:
        """The ticks of stocks with alerts as they came in; with odd ones among them, in order of time."""
        asked = np.array([code in self._book for code in batch.codes], np.bool_)
        found = _of_columns(batch, np.flatnonzero(asked[batch.code]) if len(asked) else [])
        odd = [(tick.code, tick.source, _sight(tick)) for tick in batch.odd if tick.code in self._book]
        return sorted([*found, *odd], key=lambda one: one[2].key) if odd else found

    def _is_fresh(self, code: str, source: str, key: Key, now: datetime) -> bool:
        as_of = moment(key[0])
        if now - as_of <= FRESH_FOR:
            # So young it is fresh whether its market is open or not.
            return True
        place = self._directory.places([code]).get(code)
        return place is not None and not is_stale(place.calendar, source, as_of, now)

    def _remember(self, batch: Batch) -> None:
        positions, odd = newest(batch)
        others = [(tick.code, tick.source, _sight(tick)) for tick in odd]
        for code, source, sight in (*_of_columns(batch, positions), *others):
            seen = self._seen.get(code)
            if seen is None or sight.key > seen.sight.key:
                self._seen[code] = Seen(sight, source)


class AlertConsumer(TickConsumer):
    """The one member of the group ``alerts`` that reads: what others left is its own at once."""

    def __init__(self, evaluator: Evaluator, client: redis.Redis) -> None:
        super().__init__(
            group=GROUP,
            handle=evaluator.handle,
            client=client,
            on_return=self._begin_anew,
            reclaim_idle_ms=0,
            reclaim_every_seconds=LOOK_SECONDS,
        )
        self._evaluator = evaluator

    def step(self) -> int:
        """Read and handle what is there, after what is due besides; raises LeaseLost."""
        self._evaluator.look()
        return super().step()

    def _begin_anew(self) -> None:
        # From the first entry on: what is old moves no alert.
        stream.ensure_group(self.client, GROUP)


def _of_columns(batch: Batch, positions: Sequence[int] | Units) -> list[tuple[str, str, Sight]]:
    """Code, source and sight of the ticks of these columns."""
    return [
        (
            batch.codes[code],
            batch.sources[source],
            Sight((as_of, seq), price, _known(previous), _known(volume)),
        )
        for code, source, as_of, seq, price, previous, volume in zip(
            batch.code[positions].tolist(),
            batch.source[positions].tolist(),
            *batch.columns[[AS_OF, SEQ, PRICE, PREVIOUS_CLOSE, VOLUME]][:, positions].tolist(),
            strict=True,
        )
    ]


def _known(number: int) -> int | None:
    return None if number == UNKNOWN else number


def _sight(tick: Tick) -> Sight:
    previous = tick.previous_close
    return Sight(
        (micros(tick.as_of), tick.seq),
        units(tick.price),
        None if previous is None else units(previous),
        tick.volume,
    )
