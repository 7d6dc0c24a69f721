"""Which connections a user has, over all processes.

Per user a sorted set of sessions, each with the time at which it lapses unless its process renews it: so the
connections of a process that was killed stop counting by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from redis.commands.core import Script

from realtime import control
from realtime.redis import client


class Lease(NamedTuple):
    user_id: UUID
    session: str


class Claim(NamedTuple):
    """A connection that wants to be one of at most ``most``, in place of ``replaces`` where that is there."""

    lease: Lease
    most: int
    replaces: str


def claim(claims: Sequence[Claim], *, seconds: float) -> list[bool]:
    """Which of the connections the users may have; raises redis.RedisError.

    A connection that is replaced is told to all processes.
    """
    if not claims:
        return []
    link = client()
    words = [
        word
        for (lease, most, replaces) in claims
        for word in (lease.session, most, replaces, str(lease.user_id))
    ]
    name = control.channel(int(link.get_connection_kwargs().get("db") or 0))
    granted = _script("claim")(
        keys=[_key(one.lease) for one in claims], args=[int(seconds * 1000), name, *words], client=link
    )
    return [bool(one) for one in granted]


def renew(leases: Sequence[Lease], *, seconds: float) -> None:
    """They are still open; raises redis.RedisError. One that Redis has lost is there again."""
    if leases:
        _script("renew")(
            keys=[_key(lease) for lease in leases],
            args=[int(seconds * 1000), *(lease.session for lease in leases)],
            client=client(),
        )


def release(leases: Sequence[Lease]) -> None:
    """They have ended; raises redis.RedisError."""
    with client().pipeline(transaction=False) as pipeline:
        for lease in leases:
            pipeline.zrem(_key(lease), lease.session)
        pipeline.execute()


def _key(lease: Lease) -> str:
    return f"realtime:connections:{lease.user_id}"


@cache
def _script(name: str) -> Script:
    source = (Path(__file__).parent / "lua" / f"{name}.lua").read_text()
    return client().register_script(source)
