"""What every web process is told besides events: whose connections are to be looked at again, or ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import redis
from redis.client import Pipeline

from realtime.redis import Target, address, client

logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """A user whose connections are to be checked; with ``session``, that one of them was replaced; with
    ``rooms``, that only the user's default rooms have changed.
    """

    user_id: UUID
    session: str = ""
    rooms: bool = False


_ROOMS = "rooms"


def channel(database: int) -> str:
    """The pub/sub channel. Channels span all databases of a server, so its number is in it."""
    return f"realtime-control:{database}"


def room_channel(database: int) -> str:
    """The channel on which rooms are named that are open to fewer users than before."""
    return f"realtime-control-rooms:{database}"


def tell_user(user_id: UUID) -> None:
    """Have the open connections of a user checked, in all processes: see `tell_users`."""
    tell_users([user_id])


def tell_users(user_ids: Iterable[UUID]) -> None:
    """Have the open connections of users checked, in all processes.

    To be called after what changed them is committed. A Redis that does not answer is no failure: everything
    open is checked again within half a minute, and when a process finds Redis again.
    """
    _tell(map(str, user_ids))


def tell_rooms(user_ids: Iterable[UUID]) -> None:
    """Have the streams of users that were opened without rooms look at their default rooms again.

    To be called after what changed them is committed. A Redis that does not answer is no failure: a stream
    that could not be told finds its rooms when it is opened again.
    """
    _tell(f"{_ROOMS} {user_id}" for user_id in user_ids)


def of_rooms(user_id: UUID) -> tuple[str, str]:
    """Channel and message by which `tell_rooms` tells of a user, for whoever sends more with them."""
    return channel(_database(address())), f"{_ROOMS} {user_id}"


@lru_cache(maxsize=4)
def _database(url: str) -> int:
    return Target.from_url(url).database


def tell_room(room: str) -> None:
    """Have everybody leave a room who may not be in it any more, in all processes.

    To be called after what changed it is committed. A Redis that does not answer is no failure: it carries no
    event of the room either, and who is in it has to join again after some seconds of that.
    """
    _tell([room], room_channel)


def _tell(messages: Iterable[str], channel_of: Callable[[int], str] = channel) -> None:
    told = list(dict.fromkeys(messages))
    if not told:
        return
    try:
        with client().pipeline(transaction=False) as pipeline:
            _publish(pipeline, told, channel_of)
            pipeline.execute()
    except redis.RedisError as error:
        logger.warning("open connections are checked later: %s", type(error).__name__)


def _publish(pipeline: Pipeline, messages: Iterable[str], channel_of: Callable[[int], str]) -> None:
    name = channel_of(int(pipeline.get_connection_kwargs().get("db") or 0))
    for message in messages:
        pipeline.publish(name, message)


def read(payload: bytes) -> Told | None:
    """What a message says; None for one that was not written here."""
    first, _, second = payload.decode("ascii", "replace").partition(" ")
    try:
        return Told(UUID(second), rooms=True) if first == _ROOMS else Told(UUID(first), second)
    except ValueError:
        return None
