"""Which sessions are alive, remembered in Redis for 30 s, so that a short request needs no database.

An entry is written only after the database has said that the session is alive, and only where nothing
stands. Whoever ends a session or changes its user writes a tombstone over it first. A tombstone outlives
every request that may have asked the database before, so none of them can bring the entry back. No entry
means: ask the database; so losing Redis loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts.models import Session
from accounts.redis import RedisAway, call, call_each

logger = logging.getLogger(__name__)

ALIVE_SECONDS = 30
#: Of a session that has ended, and of one whose user changed: the latter is alive and is remembered anew.
ENDED_SECONDS, CHANGED_SECONDS = 900, 60
TOMBSTONE = b"-"
_AT_ONCE = 1000
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Standing:
    """What an entry says of a live session."""

    user_id: UUID
    tier: str
    email: str

    @classmethod
    def read(cls, entry: bytes) -> Standing | None:
        """None for a tombstone and for anything that is no entry."""
        try:
            user_id, tier, email = entry.decode().split(" ", 2)
            return cls(UUID(user_id), tier, email)
        except ValueError:
            return None

    def written(self) -> bytes:
        return f"{self.user_id} {self.tier} {self.email}".encode()


def name(session_id: UUID) -> str:
    """The key of a session's entry."""
    return f"session:{session_id}"


def remember(session: Session) -> None:
    """Write down that the database has just found the session, with its user, alive."""
    life = min(ALIVE_SECONDS, int((session.expires_at - timezone.now()).total_seconds()))
    if life < 1:
        return
    entry = Standing(session.user_id, session.user.tier, session.user.email).written()
    try:
        call("SET", name(session.pk), entry, "NX", "EX", life)
    except RedisAway as error:
        logger.info("a session is not remembered: %s", error)


def forget(session_ids: Iterable[UUID], *, seconds: int = ENDED_SECONDS) -> None:
    """Put tombstones over the sessions, before what ends or changes them is committed.

    Where Redis does not take them they are tried again behind the caller, for as long as an entry may live: a
    sign-out needs the database alone.
    """
    ids = list(dict.fromkeys(session_ids))
    try:
        _bury(ids, seconds)
    except RedisAway:
        _gravedigger.bury(ids, seconds)


def _bury(ids: Sequence[UUID], seconds: int, *, insist: bool = False) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        commands = [("SET", name(one), TOMBSTONE, "EX", seconds) for one in ids[start : start + _AT_ONCE]]
        call_each(commands, insist=insist)


class _Gravedigger:
    """A thread, while there is work for it, that writes the tombstones which Redis did not take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[UUID, tuple[float, int]] = {}
        self._works = False

    def bury(self, ids: Iterable[UUID], seconds: int) -> None:
        until = time.monotonic() + ALIVE_SECONDS + 1
        with self._lock:
            self._waiting.update(dict.fromkeys(ids, (until, seconds)))
            if not self._works:
                self._works = True
                threading.Thread(target=self._run, name="tombstones", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_RETRY_SECONDS)
            with self._lock:
                now = time.monotonic()
                # Of the older ones no entry can be left.
                self._waiting = {one: kept for one, kept in self._waiting.items() if kept[0] > now}
                waiting = dict(self._waiting)
                if not waiting:
                    self._works = False
                    return
            try:
                for seconds in {kept[1] for kept in waiting.values()}:
                    _bury([one for one, kept in waiting.items() if kept[1] == seconds], seconds, insist=True)
            except RedisAway:
                continue
            with self._lock:
                for one, kept in waiting.items():
                    if self._waiting.get(one) == kept:
                        del self._waiting[one]


_gravedigger = _Gravedigger()
