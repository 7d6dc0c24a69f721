"""A connection on which a consumer acknowledges what is done and asks for what comes next in one step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import redis

from realtime.commands import Command
from realtime.direct import DirectConnection
from stocks.stream import STREAM

#: The id of an entry, and its fields.
Entry = tuple[bytes, dict[bytes, bytes]]


class GroupLink:
    """One member's way to the stream; for one thread."""

    def __init__(self, client: redis.Redis, group: str, name: str) -> None:
        self._group = group
        self._name = name
        self._connection = DirectConnection(client)
        self._replies = 0

    def ask(self, count: int, block_ms: int | None, *, handled: Sequence[Entry] = ()) -> None:
        """Acknowledge entries, and ask for up to ``count`` new ones; ``answer`` is to be called next.

        Without ``block_ms`` Redis does not wait for any. Raises redis.RedisError.
        """
        blocked = () if block_ms is None else ("BLOCK", block_ms)
        question = ("XREADGROUP", "GROUP", self._group, self._name, "COUNT", count, *blocked)
        commands = [Command((*question, "STREAMS", STREAM, ">"))]
        if handled:
            ids = [entry_id for entry_id, _ in handled]
            commands.insert(0, Command(("XACK", STREAM, self._group, *ids)))
        pieces = chain.from_iterable(command.packed() for command in commands)
        self._connection.send(b"".join(pieces))
        self._replies = len(commands)

    def answer(self) -> list[Entry]:
        """What was asked for, empty where none came; raises redis.RedisError, perhaps after Redis has
        acknowledged.
        """
        *_, reply = self._connection.replies(self._replies)
        return [_entry(entry) for _, entries in reply or () for entry in entries]

    def close(self) -> None:
        """End the connection; another is made when something is asked again."""
        self._connection.close()


def _entry(entry: Any) -> Entry:
    entry_id, fields = entry
    return entry_id, dict(zip(fields[::2], fields[1::2], strict=True))
