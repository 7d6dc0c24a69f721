"""A connection on which a consumer acknowledges what is done and asks for what comes next in one step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import redis
from redis.connection import Connection

from realtime.commands import Command
from stocks.stream import STREAM

#: The id of an entry, and its fields.
Entry = tuple[bytes, dict[bytes, bytes]]


class GroupLink:
    """One member's way to the stream; for one thread.

    Its commands are written and their replies read without what a client does for any command there is: that
    costs a consumer of small batches more than Redis does.
    """

    def __init__(self, client: redis.Redis, group: str, name: str) -> None:
        self._client = client
        self._group = group
        self._name = name
        self._connection: Connection | None = None
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
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        try:
            pieces = chain.from_iterable(command.packed() for command in commands)
            self._connection.send_packed_command([b"".join(pieces)])
        except BaseException:
            self.close()
            raise
        self._replies = len(commands)

    def answer(self) -> list[Entry]:
        """What was asked for, empty where none came; raises redis.RedisError, perhaps after Redis has
        acknowledged.
        """
        assert self._connection is not None
        try:
            *_, reply = [self._connection.read_response() for _ in range(self._replies)]
        except BaseException:
            # Nobody knows what is still to come over it.
            self.close()
            raise
        return [_entry(entry) for _, entries in _streams(reply) for entry in entries]

    def close(self) -> None:
        """Give the connection back, closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._client.connection_pool.release(connection)


def _streams(reply: Any) -> Any:
    """Each stream and its entries: pairs, or a dictionary where the connection speaks RESP 3."""
    return reply.items() if isinstance(reply, dict) else reply or ()


def _entry(entry: Any) -> Entry:
    entry_id, fields = entry
    return entry_id, dict(zip(fields[::2], fields[1::2], strict=True))
