"""Room names: ``prefix:key``, such as ``price:005930`` or ``sector:전기·전자``."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

MAX_KEY = 64
_PREFIX = re.compile(r"[a-z][a-z_]{0,31}")
_PUNCTUATION = frozenset(" ^.-_&/+=,;'()·")


class InvalidRoom(Exception):
    """The text is no room name; the message says why."""


class RoomName(NamedTuple):
    """A validated name, its key in Unicode form NFC."""

    prefix: str
    key: str
    text: str

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=32_768)
def parse_room(text: str) -> RoomName:
    """Split and check a room name; raises InvalidRoom.

    A key has 1 to 64 characters: letters, marks and digits of any script, spaces inside, and
    ``^ . - _ & / + = , ; ' ( ) ·``. Wildcards, colons, control and invisible characters are refused.
    """
    prefix, colon, key = text.partition(":")
    if not colon:
        raise InvalidRoom("a room is written prefix:key")
    if not _PREFIX.fullmatch(prefix):
        raise InvalidRoom("the prefix of a room is 1 to 32 lower-case letters")
    # Normalising a hostile text can cost more than it is worth: NFC at most triples it, so cut first.
    if not 1 <= len(key) <= 3 * MAX_KEY:
        raise InvalidRoom(f"the key of a room has 1 to {MAX_KEY} characters")
    key = unicodedata.normalize("NFC", key)
    if len(key) > MAX_KEY:
        raise InvalidRoom(f"the key of a room has 1 to {MAX_KEY} characters")
    if key != key.strip() or not all(_may_stand(character) for character in key):
        raise InvalidRoom("the key of a room has a character that no room name holds")
    return RoomName(prefix, key, f"{prefix}:{key}")


def _may_stand(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LMN"
