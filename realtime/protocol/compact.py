"""Events as arrays, for clients that ask for them: `[type, room, sequence, milliseconds, value, …]`.

Which values is told once, when such a client signs in: dotted paths into the message, per type. A step `*` of
a path goes over a list, so `data.asks.*.price` is the list of all asking prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import orjson

EVERY = "*"

# Numbers stay the digits that they are: no float comes between.
_DECODER = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment)


class Columns:
    """The paths of the values of each type that has a compact form; a type's number is its place here."""

    def __init__(self, declared: Mapping[str, Sequence[str]]) -> None:
        self.declared = {kind: list(paths) for kind, paths in declared.items()}
        self._paths = {
            kind: (number, [tuple(path.split(".")) for path in paths])
            for number, (kind, paths) in enumerate(self.declared.items())
        }

    def write(self, message: bytes, *, room: int, sequence: int) -> bytes | None:
        """The array of an event, from its JSON; None where its type has none or a value is missing."""
        try:
            event = _DECODER.decode(message.decode())
            number, paths = self._paths[event["type"]]
            values = [_value(event, path) for path in paths]
            moment = _milliseconds(event["timestamp"])
        except (KeyError, TypeError, ValueError):
            return None
        return orjson.dumps([number, room, sequence, moment, *values])


def _value(value: Any, path: tuple[str, ...]) -> Any:
    for at, step in enumerate(path):
        if step == EVERY and isinstance(value, list):
            return [_value(item, path[at + 1 :]) for item in value]
        value = value[step]
    return value


@lru_cache(maxsize=64)
def _milliseconds(text: str) -> int:
    # Events that were published together have the same time.
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def batch(parts: Sequence[bytes]) -> bytes:
    """Several arrays, or objects where an event has no array, as one frame."""
    return b"[" + b",".join(parts) + b"]"


def is_asked_for(query: bytes) -> bool:
    """Whether the query of a handshake says `format=compact`."""
    if not query:
        return False
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=20).get("format") == ["compact"]
    except ValueError:
        return False
