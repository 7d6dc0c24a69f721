"""The request path's own way to Redis: a connection per thread, 200 ms a step, and a breaker.

A hung or absent Redis costs one request its 200 ms; until it answers again the others are told at once. A
call is never made twice, so that nothing is counted twice.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import hiredis
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

SECONDS = 0.2
# After a failure one caller tries again this much later; with every further failure twice that, to the most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0

_NOTHING_YET = object()
_PIECE_BYTES = 65_536
# As a number: joining names costs more than the look itself.
_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)

Word = str | bytes | int


class RedisAway(Exception):
    """Redis does not answer, or refuses; the message is the kind of its error."""


class Breaker:
    """Remembers whether Redis answers, for all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        #: Rises with every failure: connections from before it are not used again.
        self.generation = 0
        #: When a call failed last, by the monotonic clock.
        self.failed_at = float("-inf")

    def admits(self) -> bool:
        """Whether to try; while Redis is away, one caller after each pause."""
        if not self._failures:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return False
            self._closed_until = now + self._pause()
            return True

    def failed(self, error: Exception) -> None:
        with self._lock:
            if not self._failures:
                logger.warning("redis does not answer: %s", type(error).__name__)
            self._failures += 1
            self.generation += 1
            self.failed_at = time.monotonic()
            self._closed_until = self.failed_at + self._pause()

    def succeeded(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0
            logger.warning("redis answers again")

    def _pause(self) -> float:
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, min(self._failures, 10) - 1)))


breaker = Breaker()


class _Local(threading.local):
    connection: Any = None
    generation = -1
    address = ""


_local = _Local()


def call(*words: Word) -> Any:
    """The reply to one command; raises RedisAway."""
    return _exchange([words])[0]


def call_each(commands: Sequence[Sequence[Word]], *, insist: bool = False) -> list[Any]:
    """The replies to commands sent together; raises RedisAway, and some may have been carried out then.

    ``insist``: try also while the breaker keeps others from trying.
    """
    return _exchange(commands, insist=insist) if commands else []


class Script:
    """A Lua script, known to the server by its digest and sent again where the server has forgotten it."""

    def __init__(self, *parts: str) -> None:
        self.source = "\n".join(parts)
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[Word], arguments: Sequence[Word]) -> Any:
        """What the script returns; raises RedisAway."""
        rest = (len(keys), *keys, *arguments)
        try:
            return _exchange((("EVALSHA", self.digest, *rest),))[0]
        except RedisAway as error:
            if str(error) != "NOSCRIPT":
                raise
        return _exchange((("EVAL", self.source, *rest),))[0]

    def each(self, calls: Sequence[tuple[Sequence[Word], Sequence[Word]]]) -> list[Any]:
        """What the script returns for each pair of keys and arguments, asked together; raises RedisAway.

        Where the server forgets its scripts just between two of them, the first are carried out twice.
        """
        rests = [(len(keys), *keys, *arguments) for keys, arguments in calls]
        if not rests:
            return []
        try:
            return _exchange([("EVALSHA", self.digest, *rest) for rest in rests])
        except RedisAway as error:
            if str(error) != "NOSCRIPT":
                raise
        return _exchange([("EVAL", self.source, *rest) for rest in rests])


def _exchange(commands: Sequence[Sequence[Word]], *, insist: bool = False) -> list[Any]:
    if not (breaker.admits() or insist):
        raise RedisAway("left alone for now")
    packed = b"".join([_packed(words) for words in commands])
    try:
        link = _link()
        link.socket.sendall(packed)
        replies = [link.reply() for _ in commands]
    except (redis.RedisError, OSError) as error:
        breaker.failed(error)
        raise RedisAway(type(error).__name__) from error
    breaker.succeeded()
    for reply in replies:
        if isinstance(reply, hiredis.ReplyError):
            # It answers, and refuses: as when its memory is full, or a script is not known.
            raise RedisAway(str(reply).partition(" ")[0]) from reply
    return replies


def _packed(words: Sequence[Word]) -> bytes:
    packed: bytes = hiredis.pack_command(cast(Any, tuple(words)))
    return packed


class _Link:
    """One connection. redis-py makes it and signs in; then a request is one write and, usually, one read.

    The socket blocks and the kernel keeps the time. A socket with a timeout of Python's own would ask before
    each step whether it may go on, and hand the interpreter to another thread each time.
    """

    def __init__(self, address: str, generation: int) -> None:
        self.address = address
        self.generation = generation
        pool = _pool(address)
        # Not of the pool, which keeps count: a thread that ends takes its connection with it.
        self._made: Any = pool.connection_class(**pool.connection_kwargs)
        self._made.connect()
        # There is no public way to it.
        self.socket: socket.socket = self._made._sock
        seconds, fraction = divmod(SECONDS, 1)
        limit = struct.pack("@ll", int(seconds), int(fraction * 1_000_000))
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)

    def reply(self) -> Any:
        while (answer := self._reader.gets()) is _NOTHING_YET:
            piece = self.socket.recv(_PIECE_BYTES)
            if not piece:
                raise redis.ConnectionError("closed")
            self._reader.feed(piece)
        return answer

    def is_open(self) -> bool:
        """Whether the next reply will be the next question's.

        Not where the server has hung up meanwhile, as a restarted one has; nothing was asked of it yet, so
        another connection may be made without a word.
        """
        try:
            self.socket.recv(1, _LOOK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._made.disconnect()


def _link() -> _Link:
    """The connection of this thread, of after the last failure."""
    link: _Link | None = getattr(_local, "link", None)
    if (
        link is not None
        and link.generation == breaker.generation
        and link.address == settings.REDIS_URL
        and link.is_open()
    ):
        return link
    if link is not None:
        link.close()
        _local.link = None
    made = _local.link = _Link(str(settings.REDIS_URL), breaker.generation)
    return made


@lru_cache(maxsize=4)
def _pool(address: str) -> redis.ConnectionPool:
    if not address:
        raise redis.ConnectionError("REDIS_URL is not set")
    return redis.ConnectionPool.from_url(
        address,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
