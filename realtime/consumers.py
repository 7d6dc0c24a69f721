"""The WebSocket door: `/ws/stocks`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from channels.consumer import AsyncConsumer

from realtime import hub as hubs
from realtime import sockets
from realtime.asgi import AsgiSocket, Send
from realtime.authentication import offered_token
from realtime.client import Client
from realtime.opening import Opening
from realtime.protocol import compact
from realtime.protocol.codes import INTERNAL_ERROR, RESTARTING
from realtime.replies import Manners
from realtime.session import Origin, Session
from realtime.slim.parked import EXTENSION


class StocksConsumer(AsyncConsumer):
    """One WebSocket. Frames are handled one at a time; the hub pushes events past this class.

    Channels would make a task, a channel and a thread hop per message; here a message is a method call, and
    only what may use the ORM goes to a thread.
    """

    session: Session

    def __init__(self, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
    ) -> None:
        self.scope = scope
        self.base_send = send
        hub = hubs.current()
        client = Client()
        client.compact = compact.is_asked_for(scope.get("query_string", b""))
        if (park := scope.get("extensions", {}).get(EXTENSION)) is not None:
            # A server that calls the session itself: nothing of this class stays.
            await receive()
            await send({"type": "websocket.accept"})
            session = Session(hub, client)
            opening = Opening(self.manners, scope)
            park(session, session.begin(offered_token(scope), Origin.of(scope), opening=opening))
            return
        client.transport = AsgiSocket(
            client=client, send=send, limits=hub.limits, resumed=hub.resumed, slow=hub.close
        )
        self.session = Session(hub, client)
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self.dispatch(message)
        except asyncio.CancelledError:
            # The server stops without telling its clients.
            self.session.close(RESTARTING, RESTARTING.meaning)
            raise
        except Exception:
            self.session.close(INTERNAL_ERROR, INTERNAL_ERROR.meaning)
            raise
        finally:
            hub.remove(client)

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.receive":
            text = message.get("text")
            await self.session.take(message["bytes"] if text is None else text)
        elif message["type"] == "websocket.connect":
            await self.base_send({"type": "websocket.accept"})
            sockets.bound_buffers(self.base_send, self.session.hub.limits.send_buffer_bytes)
            opening = Opening(self.manners, self.scope)
            await self.session.begin(offered_token(self.scope), Origin.of(self.scope), opening=opening)
