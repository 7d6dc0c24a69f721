"""What every web process is told besides events: whose connections are to be looked at again, or ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import redis

from realtime.redis import client

logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """A user whose connections are to be checked; with ``session``, that one of them was replaced."""

    user_id: UUID
    session: str = ""


def channel(database: int) -> str:
    """The pub/sub channel. Channels span all databases of a server, so its number is in it."""
    return f"realtime-control:{database}"


def tell_user(user_id: UUID) -> None:
    """Have the open connections of a user checked, in all processes: see `tell_users`."""
    tell_users([user_id])


def tell_users(user_ids: Iterable[UUID]) -> None:
    """Have the open connections of users checked, in all processes.

    To be called after what changed them is committed. A Redis that does not answer is no failure: everything
    open is checked again within half a minute, and when a process finds Redis again.
    """
    ids = list(dict.fromkeys(user_ids))
    if not ids:
        return
    try:
        link = client()
        name = channel(int(link.get_connection_kwargs().get("db") or 0))
        with link.pipeline(transaction=False) as pipeline:
            for user_id in ids:
                pipeline.publish(name, str(user_id))
            pipeline.execute()
    except redis.RedisError as error:
        logger.warning("open connections are checked later: %s", type(error).__name__)


def read(payload: bytes) -> Told | None:
    """What a message says; None for one that was not written here."""
    user_id, _, session = payload.decode("ascii", "replace").partition(" ")
    try:
        return Told(UUID(user_id), session)
    except ValueError:
        return None
