"""What keeps a view at hand in each process that serves screens.

Two threads: one looks for a new version of the dataset and reads it, one follows the ticks and lays them over
it. Whoever answers a screen takes the newest view and waits for nobody.

While PostgreSQL is away, the last version goes on to be served, for nobody can make another one, but no
longer than TRUSTED_SECONDS: who cannot ask may be the only one who is cut off. While Redis is away, there are
no ticks for anybody; the prices stay the last ones. Where either thread has ended there is no view, and the
next request begins it anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np
from django.db import connection

from realtime.redis import worker_client
from screening.snapshot import ticks
from screening.snapshot.quotes import Quotes, overlay
from screening.snapshot.read import SESSIONS, Base, read, read_quotes
from screening.snapshot.table import View
from stocks.dataset import data_version
from stocks.outages import OUTAGES, PERHAPS, is_outage

logger = logging.getLogger(__name__)

#: Between two looks for another version: with the reading of it, it is served within a second.
CHECK_SECONDS: Final = 0.3
#: Everything is read again after this time, for whatever may have changed without another version.
RELOAD_SECONDS: Final = 300.0
#: How long a version is served that could not be compared with the database's.
TRUSTED_SECONDS: Final = 300.0
#: What the last sessions of fields may take, which crossings need: those that were asked for last are kept.
RECENT_BYTES: Final = 64_000_000
#: Part of the time that reading for the sake of one more of them may take.
READING: Final = 0.2
#: Between two views with newer prices.
PUBLISH_SECONDS: Final = 0.2
#: The longest wait for a store that is away: it is soon known that it is back.
RETRY_SECONDS: Final = 1.0


class Standing(NamedTuple):
    """Which version of the dataset is at hand, and how long ago it was seen to be that of the database."""

    version: int
    checked_seconds: float


class Keeper:
    """The view of this process and the threads that renew it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base: Base | None = None
        self._quotes = Quotes.none(0)
        self._view: View | None = None
        self._checked_at = float("-inf")
        # Of which fields the last sessions are kept: those that were asked for last.
        self._recent: dict[str, None] = {}
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()

    def view(self) -> View | None:
        """The newest view; None where there is none yet, or none that may be trusted.

        The first call begins to make one. It never waits.
        """
        if not self._threads or not all(thread.is_alive() for thread in self._threads):
            self.start()
            return None
        if time.monotonic() - self._checked_at > TRUSTED_SECONDS:
            return None
        return self._view

    def has_recent(self, view: View, fields: Collection[str]) -> bool:
        """Whether the view has the last sessions of these fields; from soon on one will have them."""
        for name in fields:
            self._recent.pop(name, None)
            self._recent[name] = None
        if all(name in view.snapshot.recent for name in fields):
            return True
        self._wake.set()
        return False

    def standing(self) -> Standing | None:
        """What is at hand, trusted or not; None where nothing is."""
        view, checked_at = self._view, self._checked_at
        if view is None:
            return None
        return Standing(view.snapshot.version, time.monotonic() - checked_at)

    def start(self) -> None:
        """Begin to keep a view, where that is not done yet."""
        with self._lock:
            if self._threads and all(thread.is_alive() for thread in self._threads):
                return
            # One of them may go on without the other; it ends when it next looks.
            self._stop.set()
            self._stop = threading.Event()
            self._base, self._view = None, None
            self._threads = tuple(
                threading.Thread(target=work, args=(self._stop,), name=name, daemon=True)
                for name, work in (("screen-data", self._follow_data), ("screen-ticks", self._follow_ticks))
            )
            for thread in self._threads:
                thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End the threads and forget everything."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(seconds)
        with self._lock:
            self._threads, self._base, self._view = (), None, None

    def wait(self, seconds: float) -> View | None:
        """The view as soon as there is one, None after so many seconds; for programs that begin with it."""
        deadline = time.monotonic() + seconds
        while (view := self.view()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return view

    # --- versions -----------------------------------------------------------------------------------------

    def _follow_data(self, stop: threading.Event) -> None:
        pause = CHECK_SECONDS
        read_at, took = float("-inf"), 0.0
        while not stop.is_set():
            asked_at = time.monotonic()
            try:
                if self._is_old(read_at, took):
                    base = read(self._kept_recent())
                    if not stop.is_set():
                        self._replace(base)
                    read_at, took = asked_at, time.monotonic() - asked_at
                self._checked_at = asked_at
                pause = CHECK_SECONDS
            except (*OUTAGES, *PERHAPS) as error:
                pause = _pause("versions of the dataset", error, pause)
            finally:
                # To the pool: what is kept open here would be missing there.
                connection.close()
            self._wake.wait(pause)
            self._wake.clear()

    def _kept_recent(self) -> tuple[str, ...]:
        """The fields of which the last sessions are wanted, the last ones asked for."""
        names = list(self._recent)
        stocks = 1 if self._base is None else max(1, len(self._base.snapshot))
        most = RECENT_BYTES // (SESSIONS * 8 * stocks)
        for name in names[:-most]:
            self._recent.pop(name, None)
        return tuple(names[-most:])

    def _is_old(self, read_at: float, took: float) -> bool:
        base = self._base
        if base is None:
            return True
        age = time.monotonic() - read_at
        is_lacking = not base.snapshot.recent.keys() >= set(self._kept_recent())
        return (
            age > RELOAD_SECONDS
            or (is_lacking and age * READING > took)
            or data_version() != base.snapshot.version
        )

    def _replace(self, base: Base) -> None:
        """Take another version, with the newest of the quotes that were known and those it brings."""
        with self._lock:
            if self._base is not None:
                known = _moved(self._quotes, self._base, base)
                base.quotes.take(*known)
            self._quotes = base.quotes
            self._base = base
            self._view = overlay(base.snapshot, base.terms, self._quotes)

    # --- ticks ----------------------------------------------------------------------------------------------

    def _follow_ticks(self, stop: threading.Event) -> None:
        pause, last, begun = PUBLISH_SECONDS, "", None
        stored_pause, stored_at, stored = PUBLISH_SECONDS, float("-inf"), None
        published_at, is_due = float("-inf"), False
        while not stop.is_set():
            base = self._base
            if base is None:
                stop.wait(0.02)
                continue
            try:
                client = worker_client()
                # Also for each version: ticks of a stock that it brings were passed over before.
                if not last or base is not begun:
                    last, begun, stored, stored_at = ticks.beginning(client), base, None, float("-inf")
                if stored is not base and time.monotonic() >= stored_at:
                    try:
                        is_due |= self._take_stored(base)
                        stored, stored_pause = base, PUBLISH_SECONDS
                    except (*OUTAGES, *PERHAPS) as error:
                        # Ticks come all the same.
                        stored_pause = _pause("stored prices", error, stored_pause)
                        stored_at = time.monotonic() + stored_pause
                left = published_at + PUBLISH_SECONDS - time.monotonic()
                last, payloads = ticks.read(client, last, block_ms=_wait_ms(left, is_due))
                is_due |= self._take(payloads)
                pause = PUBLISH_SECONDS
            except (*OUTAGES, *PERHAPS) as error:
                pause = _pause("newest prices", error, pause)
                connection.close()
                stop.wait(pause)
                last = ""
            if is_due and time.monotonic() >= published_at + PUBLISH_SECONDS:
                self._publish()
                published_at, is_due = time.monotonic(), False

    def _take_stored(self, base: Base) -> bool:
        """Read the quotes that are in the database: those that the stream no longer holds."""
        try:
            stored = read_quotes(base.snapshot.ids)
        finally:
            connection.close()
        with self._lock:
            if self._base is not base:
                # The next version has just brought its own.
                return False
            return bool(len(self._quotes.take(np.arange(len(base.snapshot)), stored)))

    def _take(self, payloads: list[bytes]) -> bool:
        if not payloads:
            return False
        batch = ticks.batch_of(payloads)
        with self._lock:
            if self._base is None:
                return False
            newest = ticks.newest_quotes(batch, self._base.snapshot.positions)
            return bool(len(self._quotes.take(*newest)))

    def _publish(self) -> None:
        with self._lock:
            if self._base is not None:
                self._view = overlay(self._base.snapshot, self._base.terms, self._quotes)


def _moved(quotes: Quotes, before: Base, after: Base) -> tuple[np.ndarray, Quotes]:
    """The quotes of one version at the places that the stocks have in another."""
    _, old, new = np.intersect1d(
        before.snapshot.ids, after.snapshot.ids, assume_unique=True, return_indices=True
    )
    return new, quotes.at(old)


def _wait_ms(left: float, is_due: bool) -> int:
    """How long to wait for the next tick: to the next view where there is something to show in it."""
    wait = min(left, PUBLISH_SECONDS) if is_due else PUBLISH_SECONDS
    # 0 would be for ever.
    return max(1, round(wait * 1000))


def _pause(what: str, error: Exception, pause: float) -> float:
    """How long to wait for a store that is away; raises what is no outage."""
    if not is_outage(error):
        raise error
    logger.warning("screens go on without %s: %s", what, type(error).__name__)
    return min(pause * 2, RETRY_SECONDS)


#: The one of this process.
keeper: Final = Keeper()
