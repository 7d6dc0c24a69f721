"""The consumer group ``store``: the newest price of each stock and its bars of a minute into the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction

from stocks.batch import Batch, newest_ticks, sane
from stocks.directory import Directory
from stocks.failpoints import reach
from stocks.minute_bars import write_minutes
from stocks.minutes import Minute, fold
from stocks.quotes import write_quotes
from stocks.trading_hours import in_session
from stocks.types import Tick

logger = logging.getLogger(__name__)

#: So many stocks are written at once. Between two parts others have the database, Redis and the processor for
#: as long as a part took, unless the ticks are older than this already.
PART: Final = 300
LATE_SECONDS: Final = 2.0
# A process that is paused between two statements must not keep its rows from the others for long.
_LET_GO = "SET LOCAL idle_in_transaction_session_timeout = '5s'"


class QuoteWriter:
    """Writes the newest tick per stock of a batch, and the minutes that its ticks belong to.

    In parts, of which each is one transaction. An older tick than stored changes no quote, and one that is
    known already changes no bar, so a batch may come again. Ticks outside the sessions of a stock's market
    are in no bar.

    Args:
        on_written: told after the commit which ticks have become quotes. It must not fail: what it does is
            not done again.

    ``refused`` and ``unlisted`` count the ticks that cannot be prices and those of codes that no stock has.
    """

    def __init__(self, on_written: Callable[[Sequence[Tick]], None] | None = None) -> None:
        self.refused = 0
        self.unlisted = 0
        self._on_written = on_written
        self._directory = Directory()
        self._named: set[str] = set()

    def handle(self, batch: Batch) -> None:
        now = datetime.now(UTC)
        batch, refused = sane(batch, now)
        ticks = newest_ticks(batch)
        minutes = fold(in_session(batch, self._directory.places(batch.all_codes())))
        is_late = any((now - tick.received_at).total_seconds() > LATE_SECONDS for tick in ticks)
        parts = max(-(-max(len(ticks), len(minutes)) // PART), 1)
        unknown: set[str] = set()
        for part in range(parts):
            started = time.monotonic()
            unknown |= self._write(ticks[part::parts], minutes[part::parts])
            if part + 1 < parts and not is_late:
                time.sleep(time.monotonic() - started)
        reach("after_commit")
        self.refused += len(refused)
        self.unlisted += len(unknown)
        if refused:
            logger.warning("%d updates are not stored, such as %s", len(refused), refused[0])
        # A feed repeats its codes many times a second: each is named once.
        if fresh := unknown - self._named:
            self._named |= fresh
            logger.warning("ticks of unlisted codes: %s", ", ".join(sorted(fresh)[:10]))

    def _write(self, ticks: Sequence[Tick], minutes: Sequence[Minute]) -> frozenset[str]:
        """Write some of a batch; returns the codes that no stock has."""
        # Within somebody else's transaction it would hold for all the rest of that.
        own = not connection.in_atomic_block
        with transaction.atomic():
            if own:
                with connection.cursor() as cursor:
                    cursor.execute(_LET_GO)
            written = write_quotes(ticks)
            reach("mid_transaction")
            write_minutes(minutes)
        if self._on_written is not None and written.codes:
            self._on_written([tick for tick in ticks if tick.code in written.codes])
        return frozenset(written.unknown)
