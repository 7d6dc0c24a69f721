"""The Redis stream by which whoever changed a ledger wakes the process that revalues it.

It is only a hint: what is lost of it, that process finds by looking at the portfolios in turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

import redis

from portfolios.services.telling import CHANGES, PORTFOLIO, WHOLE

GROUP: Final = "portfolios"


def begin_anew(client: redis.Redis) -> None:
    """Read what is said from now on: what was said before is in the database."""
    try:
        client.xgroup_create(CHANGES, GROUP, id="$", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


class Changes(NamedTuple):
    """Portfolios that changed, and those of which all is to be told."""

    changed: set[UUID]
    whole: set[UUID]


def read(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> Changes:
    """What entries say; one that names no portfolio is passed over."""
    found = Changes(set(), set())
    for _, fields in entries:
        try:
            portfolio_id = UUID(fields.get(PORTFOLIO.encode(), b"").decode("ascii"))
        except ValueError:
            continue
        (found.whole if WHOLE.encode() in fields else found.changed).add(portfolio_id)
    return found


def done(client: redis.Redis, entries: Iterable[tuple[bytes, Any]]) -> None:
    """The entries are read, and need not be kept for anybody."""
    client.xack(CHANGES, GROUP, *(entry_id for entry_id, _ in entries))
