"""What many logs are told at once, as columns: nothing is made for a single one on its way to Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import compress
from operator import itemgetter
from typing import Any

import numpy as np

from realtime.events import Named, SharedEvent, log_life
from realtime.protocol.letters import Texts


class LogRows:
    """An event of one type and one version in each of some logs of one kind, none of them twice.

    ``fields`` are JSON objects without their braces, none of them empty. ``version`` is as `SharedEvent` has
    it, and there is one. Raises ValueError for others, and RoomUnknown.
    """

    def __init__(self, event_type: str, rooms: Sequence[Named], fields: Texts, version: str) -> None:
        self.type = event_type
        self.rooms = rooms
        self.fields = fields
        self.version = version
        self.names = [room.name for room in rooms]
        #: What all of them are.
        self.prefix = rooms[0].prefix if rooms else ""
        if not version or not (fields.starts < fields.ends).all() or len(fields) != len(rooms):
            raise ValueError("each row has fields, and all of them one version")
        if len(set(self.names)) < len(rooms) or {room.prefix for room in rooms} - {self.prefix}:
            raise ValueError("each row has a log of its own, and all of these are of one kind")
        if rooms and not log_life(self.prefix):
            raise ValueError(f"{self.prefix} is no kind of logs")

    @property
    def events(self) -> list[SharedEvent]:
        """The same one by one."""
        return [
            SharedEvent(self.type, b"{%b}" % fields, ((name, ""),), self.version)
            for name, fields in zip(self.names, self.fields.apart(), strict=True)
        ]

    def parts(self, messages: int) -> Iterator[LogRows]:
        """As many at a time as are no more than so many messages."""
        count = len(self.rooms)
        for start in range(0, count, messages):
            part = slice(start, start + messages)
            yield self if count <= messages else self._some(itemgetter(part), part)

    def where(self, kept: Sequence[bool]) -> LogRows:
        """Some of them."""
        return self._some(lambda column: [*compress(column, kept)], np.array(kept, np.bool_))

    def _some(self, chosen: Callable[[Sequence[Any]], Any], which: Any) -> LogRows:
        """What is chosen of each column, and which rows these are as NumPy has it."""
        some = copy(self)
        some.rooms, some.names = map(chosen, (self.rooms, self.names))
        some.fields = self.fields.pick(which)
        return some
