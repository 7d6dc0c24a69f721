"""A script that Redis works on while its caller does something else."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import redis
from redis.connection import Connection
from redis.exceptions import NoScriptError

# What a second attempt over a new connection may mend.
_BROKEN: Final = (redis.ConnectionError, redis.TimeoutError)


@lru_cache(maxsize=64)
def _digest(source: str) -> str:
    return hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class ScriptCall:
    """Calls of one script, one at a time: what is sent is waited for with ``wait``, which also raises.

    Each call is tried twice, as the client's own are; so the script must bear to be run again.
    """

    def __init__(self, client: redis.Redis, source: str) -> None:
        self._client = client
        self._source = source
        self._sha = _digest(source)
        self._words: tuple[Any, ...] = ()
        self._connection: Connection | None = None

    def send(self, keys: Sequence[str], args: Sequence[Any]) -> None:
        """Send a call; that of before has been waited for."""
        self._words = ("EVALSHA", self._sha, len(keys), *keys, *args)
        connection = None
        with contextlib.suppress(*_BROKEN):
            connection = self._client.connection_pool.get_connection()
            connection.send_command(*self._words)
            self._connection = connection
        if connection is not None and self._connection is None:
            self._discard(connection)

    def wait(self) -> Any:
        """The reply of the call that was sent; raises redis.RedisError."""
        connection, self._connection = self._connection, None
        if connection is None:
            return self._again()
        try:
            reply = connection.read_response()
        except NoScriptError:
            self._release(connection)
            return self._again()
        except redis.ResponseError:
            self._release(connection)
            raise
        except _BROKEN:
            self._discard(connection)
            return self._again()
        self._release(connection)
        return reply

    def leave(self) -> None:
        """Wait for no reply: what was sent may come to pass or not."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._discard(connection)

    def _again(self) -> Any:
        try:
            return self._client.execute_command(*self._words)
        except NoScriptError:
            # Kept for the calls to come, and sent along with this one: it may be forgotten in between.
            self._client.script_load(self._source)
            _, _, *rest = self._words
            return self._client.execute_command("EVAL", self._source, *rest)

    def _release(self, connection: Connection) -> None:
        self._client.connection_pool.release(connection)

    def _discard(self, connection: Connection) -> None:
        connection.disconnect()
        self._release(connection)
