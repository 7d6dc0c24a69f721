"""The WebSocket door: `/ws/stocks`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from channels.consumer import AsyncConsumer

from realtime import hub as hubs
from realtime import sockets, subscriptions
from realtime.asgi import AsgiSocket, Send
from realtime.authentication import Principal, authenticate, offered_token
from realtime.client import Client
from realtime.errors import Unavailable
from realtime.protocol import messages
from realtime.protocol.codes import (
    BAD_FRAME,
    FRAME_TOO_BIG,
    INTERNAL_ERROR,
    RESTARTING,
    UNAUTHORIZED,
    UNAVAILABLE,
    Code,
)
from realtime.protocol.frames import Auth, BadFrame, Ping, Subscribe, Unsubscribe, parse_frame
from realtime.subscriptions import Refusal
from realtime.threads import in_thread
from realtime.wheel import Deadline


class StocksConsumer(AsyncConsumer):
    """One WebSocket. Frames are handled one at a time; the hub pushes events past this class.

    Channels would make a task, a channel and a thread hop per message; here a message is a method call, and
    only what may use the ORM goes to a thread.
    """

    hub: hubs.Hub
    client: Client
    principal: Principal | None = None
    bad_frames = 0

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
    ) -> None:
        self.scope = scope
        self.base_send = send
        self.hub = hubs.current()
        self.client = Client()
        self.client.transport = AsgiSocket(
            client=self.client,
            send=send,
            limits=self.hub.limits,
            resumed=self.hub.resumed,
            slow=self.hub.close,
        )
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self.dispatch(message)
        except asyncio.CancelledError:
            # The server stops without telling its clients.
            self.hub.close(self.client, RESTARTING, RESTARTING.meaning)
            raise
        except Exception:
            self.hub.close(self.client, INTERNAL_ERROR, INTERNAL_ERROR.meaning)
            raise
        finally:
            self.hub.remove(self.client)

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.receive":
            await self.receive(message)
        elif message["type"] == "websocket.connect":
            await self.connect()

    async def connect(self) -> None:
        await self.base_send({"type": "websocket.accept"})
        sockets.bound_buffers(self.base_send, self.hub.limits.send_buffer_bytes)
        self.hub.add(self.client)
        if not self.hub.available:
            self._close(UNAVAILABLE, "prices stand still: Redis does not answer")
        elif token := offered_token(self.scope):
            await self._sign_in(token)
        else:
            limit = self.hub.limits.authenticate_seconds
            self.hub.wheel.set_deadline(self.client, limit, Deadline(UNAUTHORIZED, "no token came"))

    async def receive(self, message: dict[str, Any]) -> None:
        if self.client.closed:
            return
        text = message.get("text")
        if len(message["bytes"] if text is None else text.encode()) > self.hub.limits.frame_bytes:
            self._close(FRAME_TOO_BIG, f"a frame has at most {self.hub.limits.frame_bytes} bytes")
            return
        try:
            if text is None:
                raise BadFrame("frames are text")
            await self._handle(text)
        except BadFrame as error:
            self._refuse_frame(str(error))
        # A client that does not read its replies is not asked for its next frame.
        await self.client.writable()

    async def _handle(self, text: str) -> None:
        frame = parse_frame(text)
        if self.principal is None:
            if not isinstance(frame, Auth):
                self._close(UNAUTHORIZED, "the first frame must be auth")
                return
            await self._sign_in(frame.token)
            return
        match frame:
            case Ping():
                self._reply(messages.pong(now=_now()))
            case Subscribe():
                await self._subscribe(self.principal, frame)
            case Unsubscribe():
                self._unsubscribe(frame)
            case Auth():
                raise BadFrame("this connection is signed in")

    async def _sign_in(self, token: str) -> None:
        self.hub.wheel.set_deadline(self.client, None)
        try:
            principal = await in_thread(authenticate, token)
        except Unavailable as error:
            self._close(UNAVAILABLE, error.message)
            return
        seconds_left = None
        if principal is not None and principal.expires_at is not None:
            seconds_left = (principal.expires_at - _now()).total_seconds()
        if principal is None or (seconds_left is not None and seconds_left <= 0):
            self._close(UNAUTHORIZED, "the token is invalid or has expired")
            return
        if self.client.closed:
            return
        self.principal = principal
        expired = Deadline(UNAUTHORIZED, "the token has expired")
        self.hub.wheel.set_deadline(self.client, seconds_left, expired)
        self.hub.wheel.add(self.client)
        limits = self.hub.limits
        self._reply(
            messages.hello(
                session=secrets.token_hex(8),
                rooms=limits.rooms_of(principal.tier),
                frame_bytes=limits.frame_bytes,
                heartbeat_seconds=limits.heartbeat_seconds,
                now=_now(),
            )
        )

    async def _subscribe(self, principal: Principal, frame: Subscribe) -> None:
        try:
            rooms, refused = await subscriptions.subscribe(self.hub, self.client, principal, frame.rooms)
        except Unavailable as error:
            self._reply(messages.error(UNAVAILABLE, error.message, now=_now()))
            self._close(UNAVAILABLE, error.message)
            return
        for refusal in refused:
            self._reply(_refusal(refusal, frame.stock_code))
        if frame.stock_code is None:
            self._reply(messages.subscribed(rooms=rooms, now=_now()))
        elif not refused:
            room, standing = next((name, held) for name, held in rooms.items() if held.asked)
            self._reply(
                messages.subscribed_to_stock(
                    stock_code=frame.stock_code, room=room, standing=standing, now=_now()
                )
            )

    def _unsubscribe(self, frame: Unsubscribe) -> None:
        left = subscriptions.unsubscribe(self.hub, self.client, frame.rooms)
        if frame.stock_code is not None:
            self._reply(messages.unsubscribed_from_stock(stock_code=frame.stock_code, now=_now()))
        else:
            self._reply(messages.unsubscribed(left=left, rooms=self.client.rooms, now=_now()))

    def _refuse_frame(self, reason: str) -> None:
        self.bad_frames += 1
        self._reply(messages.error(BAD_FRAME, reason, now=_now()))
        if self.bad_frames >= self.hub.limits.bad_frames:
            self._close(BAD_FRAME, f"{self.bad_frames} bad frames")

    def _reply(self, body: bytes) -> None:
        self.hub.reply(self.client, body)

    def _close(self, code: Code, reason: str) -> None:
        self.hub.close(self.client, code, reason)


def _refusal(refusal: Refusal, stock_code: str | None) -> bytes:
    subject = {"room": refusal.room}
    if stock_code is not None:
        subject["stock_code"] = stock_code
    return messages.error(
        refusal.code, refusal.message, now=_now(), name=refusal.name, details=refusal.details, **subject
    )


def _now() -> datetime:
    return datetime.now(UTC)
