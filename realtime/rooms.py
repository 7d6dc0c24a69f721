"""Rooms as their owners write them, and the table in settings that names them.

`settings.REALTIME_ROOMS` maps a prefix to the dotted name of a class:

    class PriceRoom:
        mode = "latest"

        def authorize(self, principal: Principal, key: str) -> None: ...   # raises RoomRefused
        def snapshot(self, key: str) -> dict[str, Any] | None: ...         # when Redis holds none

A room may also have `admits(principal, key) -> bool | None`, which asks nobody and is called on the event
loop: True lets in, False does not, None leaves it to `authorize`, and it may raise what that raises.

In a `latest` room an event is whole for its key: only the newest matters and older ones may be skipped. In a
`log` room every event counts: none is skipped, and a client that was away is told what it missed, or that
something is lost; its events have no keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from realtime.authentication import Principal
from realtime.errors import RoomRefused, RoomUnknown
from realtime.protocol.compact import Columns

__all__ = [
    "LATEST",
    "LOG",
    "Principal",
    "Room",
    "RoomRefused",
    "RoomUnknown",
    "compact_columns",
    "find_room",
]

LATEST = "latest"
LOG = "log"

# What a log keeps for clients that come back: so far back. No more events than these are read for one.
LOG_LIFE = timedelta(minutes=5)
LOG_LENGTH = 10_000


class Room(Protocol):
    """The rules of all rooms of one prefix. One instance serves all threads; its methods may use the ORM."""

    mode: str
    #: By type of its events, the dotted paths of the values in the compact form (protocol/compact.py); a room
    #: may do without.
    columns: Mapping[str, tuple[str, ...]]
    #: Of a log for how long events are kept for those who come back; LOG_LIFE where a room does not say.
    log_life: timedelta

    def authorize(self, principal: Principal, key: str) -> None:
        """Return to let the user in; raises RoomRefused, or RoomUnknown where nothing has this key.

        An app that does not know this one raises Django's PermissionDenied.
        """

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """What a newcomer is told first, as fields with a `type`; None if unknown.

        Of a `latest` room the newest message, asked for only when Redis holds none; of a `log` room its state
        now, in which everything that was published before the call is contained.
        """


def find_room(prefix: str) -> Room:
    """The rules for a prefix; raises RoomUnknown."""
    try:
        return _registry()[prefix]
    except KeyError:
        known = sorted(_registry())
        raise RoomUnknown("ROOM_UNKNOWN", "There is no such kind of room.", known=known) from None


@lru_cache(maxsize=1)
def _registry() -> Mapping[str, Room]:
    registry: dict[str, Room] = {}
    for prefix, name in settings.REALTIME_ROOMS.items():
        room = import_string(name)()
        if room.mode not in (LATEST, LOG):
            raise ImproperlyConfigured(f"{name}: mode is {room.mode!r}, known are {LATEST!r} and {LOG!r}")
        registry[prefix] = room
    return registry


@lru_cache(maxsize=1)
def compact_columns() -> Columns:
    """The compact forms that rooms declare, in the order of the table; raises ImproperlyConfigured."""
    declared: dict[str, tuple[str, ...]] = {}
    for prefix, room in _registry().items():
        for kind, paths in getattr(room, "columns", {}).items():
            if declared.setdefault(kind, tuple(paths)) != tuple(paths):
                raise ImproperlyConfigured(f"{prefix}: another room has other columns for {kind}")
    return Columns(declared)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "REALTIME_ROOMS":
        _registry.cache_clear()
        compact_columns.cache_clear()


setting_changed.connect(_forget)
