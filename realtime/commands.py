"""Commands of Redis as they are sent by a process that publishes much: see lane.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import hiredis


def begun(words: tuple[Any, ...], more: int) -> bytes:
    """The beginning of a command of Redis: these words, behind which so many more come."""
    packed: bytes = hiredis.pack_command(words)
    return b"*%d%b" % (len(words) + more, packed[packed.index(b"\r") :])


def word(text: bytes) -> bytes:
    """A word of a command of Redis, written out."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


class Command(NamedTuple):
    """A command of Redis: its words, and a long one that stands behind them."""

    words: tuple[Any, ...]
    bundle: bytes | None = None

    def packed(self) -> list[bytes]:
        """As it is sent, in pieces: a long word in a packed command would be copied several times."""
        if self.bundle is None:
            return [hiredis.pack_command(self.words)]
        return [begun(self.words, 1), b"$%d\r\n" % len(self.bundle), self.bundle, b"\r\n"]


class Pairs(NamedTuple):
    """HSET with fields and values that are written out."""

    key: str
    pairs: int
    body: bytes

    def packed(self) -> list[bytes]:
        """As it is sent."""
        return [b"*%d%b" % (2 + 2 * self.pairs, _set_words(self.key)), self.body]


@lru_cache(maxsize=10_000)
def _set_words(key: str) -> bytes:
    """The words of an HSET of that key before its pairs."""
    return begun(("HSET", key), 0)[len("*2") :]


#: What can be sent: it knows how.
Sendable = Command | Pairs


def hash_sets(hashes: Mapping[str, Sequence[Any]]) -> list[Sendable]:
    """What sets the fields of hashes, given by key as names and values in turns."""
    return [Command(("HSET", key, *pairs)) for key, pairs in hashes.items() if pairs]
