"""The compact format: events as arrays, opened into the messages that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stockroom_client.errors import ProtocolError

_START = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = 4
EVERY = "*"


class Columns:
    """What `hello` and the acks of one connection say about its arrays.

    ``columns`` maps a type to the dotted paths of its values; a step `*` goes over a list. An event is
    `[index of the type, number of the room, sequence, milliseconds since 1970, value, …]`.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._types = [(kind, [path.split(".") for path in paths]) for kind, paths in columns.items()]
        self._rooms: dict[int, str] = {}

    def number(self, room: str, number: int) -> None:
        """An ack gives the room its number."""
        self._rooms[number] = room

    def messages(self, frame: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """The messages of a frame that is an array; raises ProtocolError."""
        if frame and isinstance(frame[0], list | dict):
            for item in frame:
                yield item if isinstance(item, dict) else self._message(item)
        else:
            yield self._message(frame)

    def _message(self, values: Sequence[Any]) -> dict[str, Any]:
        try:
            kind, paths = self._types[values[0]]
            room, sequence, milliseconds = self._rooms[values[1]], values[2], values[3]
        except (LookupError, TypeError):
            raise ProtocolError("an array names a type or a room that was not told") from None
        if len(values) != _HEAD + len(paths) or not isinstance(milliseconds, int):
            raise ProtocolError(f"an array of {kind} has other values than its columns")
        message: dict[str, Any] = {"type": kind, "room": room}
        for path, value in zip(paths, values[_HEAD:], strict=True):
            _put(message, path, value)
        message["sequence"] = sequence
        message["timestamp"] = iso(milliseconds)
        return message


def _put(target: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value where its path leads, making what stands between."""
    name, rest = path[0], path[1:]
    if not rest or list(rest) == [EVERY]:
        target[name] = value
    elif rest[0] != EVERY:
        _put(target.setdefault(name, {}), rest, value)
    elif isinstance(value, list):
        items = target.setdefault(name, [{} for _ in value])
        if len(items) != len(value):
            raise ProtocolError(f"the lists of {name} are not of one length")
        for item, each in zip(items, value, strict=True):
            _put(item, rest[1:], each)
    else:
        raise ProtocolError(f"the value of {name} is no list")


def iso(milliseconds: int) -> str:
    """``2026-03-02T09:00:00.123Z`` of milliseconds since 1970."""
    moment = _START + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
