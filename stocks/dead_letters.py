"""Entries that a group could not use: kept aside so that people can look at them, replay or discard them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.commands.core import Script

from realtime.redis import client as request_client
from stocks.stream import FIELD, GROUPS, OTHERS, STREAM, dead_stream
from stocks.wire import BadEntry, decode

#: The most that are kept of a group; then the oldest are dropped.
KEPT = 10_000
_ABOUT = (b"group", b"id", b"reason")
_PART = 100
_EXCERPT_TICKS, _EXCERPT_LENGTH = 3, 200


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that ``group`` could not use, for ``reason``, since ``at``.

    ``id`` names the letter, ``entry_id`` the entry of the stream that it was. ``excerpt`` is what a person
    can read of it.
    """

    id: str
    group: str
    entry_id: str
    reason: str
    at: datetime
    excerpt: str


def bury(
    client: redis.Redis, *, group: str, entry_id: bytes, fields: dict[bytes, bytes], reason: str
) -> None:
    """Keep an entry aside and acknowledge it for its group, in one step."""
    about = {b"group": group.encode(), b"id": entry_id, b"reason": reason[:500].encode()}
    told: dict[Any, Any] = fields | about
    pipeline = client.pipeline(transaction=True)
    pipeline.xadd(dead_stream(group), told, maxlen=KEPT)
    pipeline.xack(STREAM, group, entry_id)
    pipeline.execute()


def dead_letters(*, group: str | None = None, limit: int = 100) -> list[DeadLetter]:
    """The newest letters of a group, or of all, the newest first."""
    client = request_client()
    letters: list[DeadLetter] = []
    for name in _groups(group):
        entries: Any = client.xrevrange(dead_stream(name), count=limit)
        letters += [_letter(name, entry_id.decode(), fields) for entry_id, fields in entries]
    return sorted(letters, key=lambda letter: letter.at, reverse=True)[:limit]


def dead_letter_replay(*, letter_id: str) -> bool:
    """Put a letter back into the stream, for all groups: those that have handled it are not harmed.

    False where there is no such letter any more. Raises ValueError for what is no id of one.
    """
    group, entry_id = _parse(letter_id)
    return bool(
        _replay()(keys=[dead_stream(group), STREAM], args=[entry_id, *_ABOUT], client=request_client())
    )


def dead_letter_discard(*, letter_id: str) -> bool:
    """Drop a letter for good. False where there is no such letter any more; raises ValueError."""
    group, entry_id = _parse(letter_id)
    return bool(request_client().xdel(dead_stream(group), entry_id))


def dead_letters_replay(*, group: str | None = None) -> int:
    """Put every letter of a group, or of all, back into the stream; returns how many.

    Those that are buried again meanwhile are left.
    """
    return sum(dead_letter_replay(letter_id=letter_id) for letter_id in _ids(group))


def dead_letters_discard(*, group: str | None = None) -> int:
    """Drop every letter of a group, or of all, for good; returns how many."""
    return sum(dead_letter_discard(letter_id=letter_id) for letter_id in _ids(group))


def _ids(group: str | None) -> Iterator[str]:
    """The letters that there are now, the oldest first."""
    client = request_client()
    for name in _groups(group):
        newest: Any = client.xrevrange(dead_stream(name), count=1)
        start = "-"
        while newest:
            part: Any = client.xrange(dead_stream(name), start, newest[0][0], count=_PART)
            for entry_id, _ in part:
                yield f"{name}:{entry_id.decode()}"
                start = f"({entry_id.decode()}"
            if len(part) < _PART:
                break


def _groups(group: str | None) -> tuple[str, ...]:
    return (*GROUPS, *OTHERS) if group is None else (group,)


def _parse(letter_id: str) -> tuple[str, str]:
    group, _, entry_id = letter_id.partition(":")
    milliseconds, _, number = entry_id.partition("-")
    if group not in (*GROUPS, *OTHERS) or not (milliseconds.isdecimal() and number.isdecimal()):
        raise ValueError(f"{letter_id[:60]!r} is no dead letter")
    return group, entry_id


def _letter(group: str, letter_id: str, fields: dict[bytes, bytes]) -> DeadLetter:
    return DeadLetter(
        id=f"{group}:{letter_id}",
        group=group,
        entry_id=fields.get(b"id", b"").decode(errors="replace"),
        reason=fields.get(b"reason", b"").decode(errors="replace"),
        at=datetime.fromtimestamp(int(letter_id.partition("-")[0]) / 1000, UTC),
        excerpt=_excerpt(fields),
    )


def _excerpt(fields: dict[bytes, bytes]) -> str:
    payload = fields.get(FIELD)
    if payload is None:
        return f"no batch, but {[name for name in fields if name not in _ABOUT]}"[:_EXCERPT_LENGTH]
    try:
        update = decode(payload).update()
    except BadEntry:
        return f"{len(payload)} bytes: {payload[:80]!r}"[:_EXCERPT_LENGTH]
    shown = [f"{tick.code} {tick.price.normalize():f}" for tick in update.ticks[:_EXCERPT_TICKS]]
    more = ["…"] if len(update.ticks) > len(shown) else []
    words = f"{len(update.ticks)} ticks, {len(update.books)} order books"
    return f"{words}: {', '.join(shown + more)}"[:_EXCERPT_LENGTH] if shown else words


@cache
def _replay() -> Script:
    source = (Path(__file__).parent / "lua" / "replay.lua").read_text()
    return request_client().register_script(source)
