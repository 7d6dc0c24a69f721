"""A subscriber of Redis channels, as a web process is one, that keeps the time at which each message came.

What arrives is kept with its time and taken apart afterwards: the issue is when it was published, and not how
long the program that measures takes to read it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

import hiredis

#: Microseconds since 1970, and what came then.
Part = tuple[int, bytes]
_AT_ONCE = 1_000
_MOST = 1 << 20


def packed(*words: bytes) -> bytes:
    """A command of Redis."""
    command: Any = words
    return hiredis.pack_command(command)


class Subscriber:
    """A connection to the server that REDIS_URL names."""

    def __init__(self) -> None:
        url = urlsplit(os.environ["REDIS_URL"])
        self._link = socket.create_connection((url.hostname or "127.0.0.1", url.port or 6379))
        self._reader = hiredis.Reader()
        self._replies = 0
        if url.password:
            self._link.sendall(packed(b"AUTH", url.password.encode()))
            self._replies = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._link.close()

    def subscribe(self, channels: Sequence[bytes]) -> None:
        """Return once all are subscribed to; nothing may have been published there before."""
        for first in range(0, len(channels), _AT_ONCE):
            self._link.sendall(packed(b"SUBSCRIBE", *channels[first : first + _AT_ONCE]))
        left = self._replies + len(channels)
        while left:
            self._reader.feed(self._received())
            while self._reader.gets() is not False:
                left -= 1

    def until(self, end: bytes) -> list[Part]:
        """What comes up to the message of this channel, behind which nothing comes."""
        parts: list[Part] = []
        last = b""
        while end not in last:
            part = self._received()
            parts.append((time.time_ns() // 1000, part))
            last = (last + part)[-len(end) - 64 :]
        return parts

    def until_quiet(self, seconds: float) -> list[Part]:
        """What comes until nothing has come for so long; the first is waited for."""
        parts: list[Part] = []
        with contextlib.suppress(TimeoutError):
            while True:
                part = self._received()
                parts.append((time.time_ns() // 1000, part))
                self._link.settimeout(seconds)
        self._link.settimeout(None)
        return parts

    def messages(self, parts: Iterable[Part]) -> Iterator[tuple[int, bytes, bytes]]:
        """The messages in what came: time, channel and payload of each."""
        for at, part in parts:
            self._reader.feed(part)
            while (message := self._reader.gets()) is not False:
                _, channel, payload = message
                yield at, channel, payload

    def _received(self) -> bytes:
        if part := self._link.recv(_MOST):
            return part
        raise ConnectionError("the server has closed the connection")
