"""One signed-in connection and what it may say, whatever door it came through."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from realtime import subscriptions
from realtime.authentication import Principal, authenticate
from realtime.client import Client
from realtime.errors import Unavailable
from realtime.hub import Hub
from realtime.protocol import messages
from realtime.protocol.codes import BAD_FRAME, FRAME_TOO_BIG, UNAUTHORIZED, UNAVAILABLE, Code
from realtime.protocol.frames import Auth, BadFrame, Ping, Subscribe, Unsubscribe, parse_frame
from realtime.subscriptions import Refusal
from realtime.threads import in_thread
from realtime.wheel import Deadline


class Session:
    """Signs a client in and answers its frames. The door gives it one frame at a time."""

    __slots__ = ("bad_frames", "client", "hub", "principal")

    def __init__(self, hub: Hub, client: Client) -> None:
        self.hub = hub
        self.client = client
        self.principal: Principal | None = None
        self.bad_frames = 0

    async def begin(self, token: str | None) -> None:
        """The connection is open: sign in with the token of its handshake, or wait for one."""
        self.hub.add(self.client)
        if not self.hub.available:
            self.close(UNAVAILABLE, "prices stand still: Redis does not answer")
        elif token:
            await self._sign_in(token)
        else:
            limit = self.hub.limits.authenticate_seconds
            self.hub.wheel.set_deadline(self.client, limit, Deadline(UNAUTHORIZED, "no token came"))

    async def take(self, frame: str | bytes) -> None:
        """Answer one frame; bytes stand for a binary one. Returns when the next one may be read."""
        if self.client.closed:
            return
        if len(frame if isinstance(frame, bytes) else frame.encode()) > self.hub.limits.frame_bytes:
            self.close(FRAME_TOO_BIG, f"a frame has at most {self.hub.limits.frame_bytes} bytes")
            return
        try:
            if isinstance(frame, bytes):
                raise BadFrame("frames are text")
            await self._handle(frame)
        except BadFrame as error:
            self._refuse_frame(str(error))
        # A client that does not read its replies is not asked for its next frame.
        await self.client.writable()

    def close(self, code: Code, reason: str) -> None:
        self.hub.close(self.client, code, reason)

    async def _handle(self, text: str) -> None:
        frame = parse_frame(text)
        if self.principal is None:
            if not isinstance(frame, Auth):
                self.close(UNAUTHORIZED, "the first frame must be auth")
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
            self.close(UNAVAILABLE, error.message)
            return
        seconds_left = None
        if principal is not None and principal.expires_at is not None:
            seconds_left = (principal.expires_at - _now()).total_seconds()
        if principal is None or (seconds_left is not None and seconds_left <= 0):
            self.close(UNAUTHORIZED, "the token is invalid or has expired")
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
            rooms, refused, missed = await subscriptions.subscribe(
                self.hub, self.client, principal, frame.rooms, frame.since
            )
        except Unavailable as error:
            self._reply(messages.error(UNAVAILABLE, error.message, now=_now()))
            self.close(UNAVAILABLE, error.message)
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
        for log, events in missed.items():
            self.hub.give(self.client, events, log)

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
            self.close(BAD_FRAME, f"{self.bad_frames} bad frames")

    def _reply(self, body: bytes) -> None:
        self.hub.reply(self.client, body)


def _refusal(refusal: Refusal, stock_code: str | None) -> bytes:
    subject = {"room": refusal.room}
    if stock_code is not None:
        subject["stock_code"] = stock_code
    return messages.error(
        refusal.code, refusal.message, now=_now(), name=refusal.name, details=refusal.details, **subject
    )


def _now() -> datetime:
    return datetime.now(UTC)
