"""Members of a room who may not be in it any more, such as those a screen was shared with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.core.exceptions import PermissionDenied

from realtime.authentication import Principal
from realtime.client import Client
from realtime.errors import RoomRefused
from realtime.live import LiveRoom
from realtime.protocol import messages
from realtime.protocol.codes import ROOM_FORBIDDEN
from realtime.protocol.names import RoomName, parse_room
from realtime.rooms import find_room
from realtime.threads import in_thread

logger = logging.getLogger(__name__)


class Excluder:
    """Asks a room's owner again about everybody who is in it. ``leave`` ends a membership."""

    def __init__(
        self,
        rooms: Mapping[str, LiveRoom],
        *,
        leave: Callable[[Client, LiveRoom], None],
        reply: Callable[[Client, bytes], None],
    ) -> None:
        self._rooms = rooms
        self._leave = leave
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, payload: bytes) -> None:
        """Another process, or this one, says that a room is open to fewer users."""
        room = self._rooms.get(payload.decode(errors="replace"))
        if room is None or not room.members:
            return
        task = asyncio.get_running_loop().create_task(self._ask(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _ask(self, room: LiveRoom) -> None:
        principals = {
            client.session.principal.user_id: client.session.principal
            for client in room.members
            if client.session is not None and client.session.principal is not None
        }
        try:
            refused = await in_thread(_refused, parse_room(room.name), list(principals.values()))
        except Exception:
            # Whatever the owner fails with: who may be in the room cannot be told, so nobody is.
            logger.exception("who may be in %s cannot be told", room.name)
            refused = set(principals)
        for client in list(room.members):
            session = client.session
            if session is None or session.principal is None or session.principal.user_id in refused:
                self._leave(client, room)
                body = messages.error(
                    ROOM_FORBIDDEN,
                    "This room is not open to you any more.",
                    now=datetime.now(UTC),
                    room=room.name,
                )
                self._reply(client, body)


def _refused(name: RoomName, principals: list[Principal]) -> set[object]:
    """The users whom the room's owner does not let in. Runs in a thread, for it may ask the database."""
    room = find_room(name.prefix)
    refused: set[object] = set()
    for principal in principals:
        try:
            room.authorize(principal, name.key)
        except (RoomRefused, PermissionDenied):
            refused.add(principal.user_id)
    return refused
