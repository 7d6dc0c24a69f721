"""Which screens somebody watches: who is in their rooms, and who has set an alert on them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from realtime.rooms import LOG_LIFE
from screening.live.reading import rooms_with_members, screens_with_alerts

#: A room is told of everything for so long after the last one left it: whoever comes back while its log is
#: kept may go on from there.
KEPT_SECONDS: Final = LOG_LIFE.total_seconds() + 30


class Watching:
    """What was found at the last look.

    Attributes:
        occupied: screens in whose rooms somebody is.
        rooms: these, and those that everybody has left a while ago: their rooms are told.
        alerts: screens with an alert.
    """

    def __init__(self) -> None:
        self.occupied: set[UUID] = set()
        self.alerts: set[UUID] = set()
        self._seen: dict[UUID, float] = {}

    @property
    def rooms(self) -> set[UUID]:
        return set(self._seen)

    @property
    def screens(self) -> set[UUID]:
        """All that are to be kept live."""
        return self.rooms | self.alerts

    def keep(self, screen_ids: Iterable[UUID]) -> None:
        """Their rooms were told until now, by somebody else."""
        self._seen = dict.fromkeys(screen_ids, time.monotonic())

    def look(self) -> None:
        """Ask again; raises redis.RedisError, and OUTAGES of the database."""
        self.occupied = rooms_with_members()
        self.alerts = screens_with_alerts()
        now = time.monotonic()
        self._seen |= dict.fromkeys(self.occupied, now)
        self._seen = {screen_id: at for screen_id, at in self._seen.items() if now - at < KEPT_SECONDS}

    def forget(self, screen_ids: Iterable[UUID]) -> None:
        """There are no such screens any more."""
        for screen_id in screen_ids:
            self._seen.pop(screen_id, None)
