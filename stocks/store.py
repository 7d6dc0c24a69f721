"""The consumer group ``store``: the newest price of each stock into the database."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from stocks import folds
from stocks.providers.protocol import Update
from stocks.quotes import write_quotes

logger = logging.getLogger(__name__)


class QuoteWriter:
    """Writes the newest tick per stock of a batch in one statement; an older one than stored changes nothing.

    ``refused`` and ``unlisted`` count the ticks that cannot be prices and those of codes that no stock has.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.unlisted = 0
        self._named: set[str] = set()

    def handle(self, updates: Sequence[Update]) -> None:
        kept, refused = folds.sane(updates, datetime.now(UTC))
        written = write_quotes(folds.newest_ticks(kept).values())
        self.refused += len(refused)
        self.unlisted += len(written.unknown)
        if refused:
            logger.warning("%d updates are not stored, such as %s", len(refused), refused[0])
        # A feed repeats its codes many times a second: each is named once.
        if fresh := set(written.unknown) - self._named:
            self._named |= fresh
            logger.warning("ticks of unlisted codes: %s", ", ".join(sorted(fresh)[:10]))
