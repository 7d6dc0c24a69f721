"""A plain connection to Redis for a process that sends many commands at once and reads their replies."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import hiredis
import redis
from redis.connection import DefaultParser

from realtime.commands import Command
from realtime.redis import Target

_NOTHING_YET: Final = object()
_AT_ONCE: Final = 65_536


class DirectConnection:
    """To the server and the database of a client, with its time-outs; made when something is sent.

    A client does several things for each command and each reply, which of thousands a second takes longer
    than the commands do. For one thread. Raises redis.ConnectionError and redis.TimeoutError, after which it
    is closed: what was sent before may have come to pass or not.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._socket: socket.socket | None = None
        options = client.get_connection_kwargs()
        self._target = Target.of(client)
        self._seconds: float | None = options.get("socket_timeout")
        self._connect_seconds: float | None = options.get("socket_connect_timeout")
        self._reader = hiredis.Reader()

    def __del__(self) -> None:
        self.close()

    def send(self, *pieces: bytes) -> None:
        """Send commands, which may be cut anywhere into pieces."""
        with self._or_closed():
            if self._socket is None:
                self._connect()
            assert self._socket is not None
            for piece in pieces:
                self._socket.sendall(piece)

    def replies(self, count: int) -> list[Any]:
        """So many replies; raises the first that is an error, and none that stands in another."""
        found: list[Any] = []
        read = self._reader.gets
        with self._or_closed():
            while len(found) < count:
                reply = read()
                if reply is _NOTHING_YET:
                    self._reader.feed(self._received())
                else:
                    found.append(reply)
        for reply in found:
            if isinstance(reply, redis.RedisError):
                if isinstance(reply, redis.ConnectionError):
                    self.close()
                raise reply
        return found

    def close(self) -> None:
        """Forget what has not been read."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @contextmanager
    def _or_closed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            # Nobody knows what is still to come over it.
            self.close()
            raise

    def _connect(self) -> None:
        target = self._target
        if target.path is not None:
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(self._connect_seconds)
            self._socket = link
            link.connect(target.path)
        else:
            link = socket.create_connection((target.host, target.port), self._connect_seconds)
            self._socket = link
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.tls is not None:
                self._socket = link = target.tls.wrap_socket(link, server_hostname=target.host)
        link.settimeout(self._seconds)
        self._reader = hiredis.Reader(
            protocolError=redis.InvalidResponse,
            replyError=DefaultParser.parse_error,
            notEnoughData=_NOTHING_YET,
        )
        for words in self._greeting():
            link.sendall(b"".join(Command(words).packed()))
            self.replies(1)

    def _greeting(self) -> Sequence[tuple[str, ...]]:
        target = self._target
        words: list[tuple[str, ...]] = []
        if target.password is not None:
            names = (target.username,) if target.username else ()
            words.append(("AUTH", *names, target.password))
        if target.database:
            words.append(("SELECT", str(target.database)))
        return words

    def _received(self) -> bytes:
        assert self._socket is not None
        if part := self._socket.recv(_AT_ONCE):
            return part
        raise redis.ConnectionError("Redis has closed the connection")

    def _failed(self, error: OSError) -> redis.RedisError:
        where = self._target.path or f"{self._target.host}:{self._target.port}"
        if isinstance(error, TimeoutError):
            return redis.TimeoutError(f"no answer from {where}")
        return redis.ConnectionError(f"{where}: {error}")
