"""What a client may send, parsed strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from realtime.protocol.position import Position

MAX_DEPTH = 8
MAX_ROOMS = 500
MAX_TOKEN = 4096
MAX_CODE = 64
MAX_SESSION = 32

# `stock_code` is short for the room of that stock's price.
STOCK_CODE_PREFIX = "price"


class BadFrame(Exception):
    """The frame is not understood; the message says why and repeats nothing of the frame."""


@dataclass(frozen=True, slots=True)
class Auth:
    """``session`` is that of an earlier connection which this one takes the place of, or empty."""

    token: str = field(repr=False)
    session: str = ""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Rooms to join. ``stock_code`` is set where the frame named a stock instead of rooms.

    ``since`` holds the positions that a client has seen; a room of whole values answers with its newest,
    whatever the position.
    """

    rooms: tuple[str, ...]
    stock_code: str | None = None
    since: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    rooms: tuple[str, ...]
    stock_code: str | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    pass


ClientFrame = Auth | Subscribe | Unsubscribe | Ping

_FIELDS = {
    "auth": {"type", "timestamp", "token", "ticket", "session"},
    "subscribe": {"type", "timestamp", "stock_code", "rooms", "since"},
    "unsubscribe": {"type", "timestamp", "stock_code", "rooms"},
    "ping": {"type", "timestamp"},
}


def parse_frame(text: str | bytes) -> ClientFrame:
    """One client frame from its JSON text; raises BadFrame and nothing else."""
    frame = _object(text)
    kind = frame.get("type")
    if not isinstance(kind, str):
        raise BadFrame("a frame is an object with a text field type")
    if kind not in _FIELDS:
        raise BadFrame(f"unknown type; known are {', '.join(_FIELDS)}")
    if frame.keys() - _FIELDS[kind]:
        raise BadFrame(f"{kind} takes only the fields {', '.join(sorted(_FIELDS[kind]))}")
    if not isinstance(frame.get("timestamp", ""), str):
        raise BadFrame("timestamp is a text in ISO 8601")
    if kind == "ping":
        return Ping()
    if kind == "auth":
        session = _text(frame, "session", MAX_SESSION) if "session" in frame else ""
        if ("token" in frame) == ("ticket" in frame):
            raise BadFrame("give either token or ticket")
        return Auth(_text(frame, "token" if "token" in frame else "ticket", MAX_TOKEN), session)
    rooms, stock_code = _rooms(frame)
    if kind == "unsubscribe":
        return Unsubscribe(rooms, stock_code)
    return Subscribe(rooms, stock_code, _since(frame.get("since")))


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(text.decode(json.detect_encoding(text)) if isinstance(text, bytes) else text)
    except (ValueError, RecursionError):
        # ValueError covers bad JSON, bad UTF-8 and integers of thousands of digits.
        raise BadFrame("the frame is not JSON") from None
    if not isinstance(value, dict):
        raise BadFrame("a frame is an object with a text field type")
    # What has few brackets is not deep.
    if _brackets(text) > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise BadFrame(f"the frame is deeper than {MAX_DEPTH} levels")
    return value


def _brackets(text: str | bytes) -> int:
    if isinstance(text, bytes):
        return text.count(b"{") + text.count(b"[")
    return text.count("{") + text.count("[")


def _refuse_constant(text: str) -> Any:
    raise BadFrame(f"{text} is not a JSON number")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise BadFrame("an object names the same key twice")
    return result


# To make a decoder takes as long as to use it.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates)


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    else:
        return False
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _text(frame: Mapping[str, Any], name: str, longest: int) -> str:
    value = frame.get(name)
    if not _is_text(value) or not 1 <= len(value) <= longest:
        raise BadFrame(f"{name} is a text of 1 to {longest} characters")
    return value


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is a text that can be written again: JSON may hold half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_texts(values: list[Any]) -> bool:
    """Whether each of them is one, which most often all together show."""
    try:
        return _is_text("".join(values))
    except TypeError:
        return False


def _rooms(frame: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    if ("rooms" in frame) == ("stock_code" in frame):
        raise BadFrame("give either stock_code or rooms")
    if "stock_code" in frame:
        code = _text(frame, "stock_code", MAX_CODE)
        return (f"{STOCK_CODE_PREFIX}:{code}",), code
    rooms = frame["rooms"]
    if not isinstance(rooms, list) or not 1 <= len(rooms) <= MAX_ROOMS or not _are_texts(rooms):
        raise BadFrame(f"rooms is a list of 1 to {MAX_ROOMS} texts")
    return tuple(dict.fromkeys(rooms)), None


def _since(value: Any) -> dict[str, Position]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_ROOMS:
        raise BadFrame("since maps rooms to their positions")
    return {room: _position(item) for room, item in value.items()}


def _position(value: Any) -> Position:
    if isinstance(value, dict) and value.keys() == {"epoch", "sequence"}:
        epoch, sequence = value["epoch"], value["sequence"]
        if isinstance(epoch, str) and type(sequence) is int and sequence >= 0:
            return Position(epoch, sequence)
    raise BadFrame("a position is an object of a text epoch and a whole number sequence")
