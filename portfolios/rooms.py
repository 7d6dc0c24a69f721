"""The room of a portfolio, which its owner alone may be in."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final
from uuid import UUID

from portfolios.live import reading, writing
from portfolios.live.book import Book
from portfolios.models import Portfolio
from portfolios.services.telling import ask_for_all
from realtime.authentication import Principal
from realtime.protocol.encoding import splice
from realtime.rooms import LOG, RoomUnknown

#: Seconds for which the owner of a portfolio is not asked for again: it never changes.
KEPT_SECONDS: Final = 300.0
_MOST_KEPT: Final = 50_000


class PortfolioRoom:
    """``portfolio:{id}``: what one portfolio is worth, and what changes in it. Each message counts.

    For anybody but its owner it is not there.
    """

    mode = LOG
    # One a second, each of a kilobyte or more; who was away for longer is told how it stands now.
    log_life = timedelta(minutes=1)

    def __init__(self) -> None:
        self._owners: OrderedDict[str, tuple[UUID, float]] = OrderedDict()
        self._lock = Lock()

    def admits(self, principal: Principal, key: str) -> bool | None:
        """True for an owner who was found lately; anybody else is looked for."""
        owner, until = self._owners.get(key, (None, 0.0))
        return True if owner == principal.user_id and time.monotonic() < until else None

    def authorize(self, principal: Principal, key: str) -> None:
        if not _is_id(key) or not _open(key).filter(owner_id=principal.user_id).exists():
            raise RoomUnknown("PORTFOLIO_NOT_FOUND", "There is no such portfolio.", portfolio_id=key)
        with self._lock:
            self._owners[key] = (principal.user_id, time.monotonic() + KEPT_SECONDS)
            if len(self._owners) > _MOST_KEPT:
                self._owners.popitem(last=False)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """The portfolio at the stored prices; what was seen since is told to the room in a moment."""
        now = datetime.now(UTC)
        found = reading.stored([UUID(key)])
        if not found:
            return None
        ask_for_all(UUID(key))
        book = Book()
        reading.put(book, found, reading.rates_for(found, now=now), reason=writing.SNAPSHOT, now=now)
        data = writing.whole_data(book, book.portfolios[UUID(key)], now)
        return {"type": writing.TYPE, "data": splice(data)}


def _is_id(key: str) -> bool:
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False


def _open(key: str) -> Any:
    return Portfolio.objects.filter(pk=key, archived_at__isnull=True)
