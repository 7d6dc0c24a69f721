"""Which sessions are alive, remembered in Redis for 30 s, so that a short request needs no database.

An entry is written only after the database has said that the session is alive, and only where nothing
stands. Whoever ends a session or changes its user writes a tombstone over it first (``accounts.tombstones``).
No entry means: ask the database; so losing Redis loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts import connection_cache
from accounts.models import Session
from accounts.redis import RedisAway, call
from accounts.tombstones import ENDED_SECONDS, bury

logger = logging.getLogger(__name__)

ALIVE_SECONDS = 30


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
    user = session.user
    remember_as(session.pk, Standing(session.user_id, user.tier, user.email), session.expires_at)


def remember_as(session_id: UUID, standing: Standing, expires_at: datetime) -> None:
    """What ``remember`` does, of a session that was read without its models."""
    life = min(ALIVE_SECONDS, int((expires_at - timezone.now()).total_seconds()))
    if life < 1:
        return
    try:
        call("SET", name(session_id), standing.written(), "NX", "EX", life)
    except RedisAway as error:
        logger.info("a session is not remembered: %s", error)


def forget(session_ids: Iterable[UUID], *, seconds: int = ENDED_SECONDS) -> None:
    """Put tombstones over all that is remembered of the sessions, before what ends or changes them is
    committed.
    """
    names = (naming(one) for one in session_ids for naming in (name, connection_cache.session_name))
    bury(names, seconds=seconds)
