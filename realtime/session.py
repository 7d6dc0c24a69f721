"""One signed-in connection and what it may say, whatever door it came through."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from realtime import subscriptions
from realtime.addresses import counted_address
from realtime.authentication import Principal, offered_session
from realtime.budgets import Limited, Verdict
from realtime.client import Client
from realtime.errors import SignInRefused, Unavailable
from realtime.hub import Hub
from realtime.opening import SWITCHED, Opening
from realtime.protocol import messages
from realtime.protocol.codes import (
    BAD_FRAME,
    CONNECTION_LIMIT,
    FLOOD,
    FRAME_LIMIT,
    FRAME_TOO_BIG,
    REQUEST_LIMIT,
    ROOM_LIMIT,
    TOO_OLD,
    UNAUTHORIZED,
    UNAVAILABLE,
    Code,
)
from realtime.protocol.frames import Auth, BadFrame, Ping, Subscribe, Unsubscribe, parse_frame
from realtime.rooms import compact_columns
from realtime.subscriptions import Refusal
from realtime.wheel import Deadline

# So many rooms of a frame cost its client as much as a frame.
_ROOMS_OF_A_FRAME = 50


class Origin(NamedTuple):
    """Where a connection comes from: the address it is counted for, and the session that it replaces.

    Both are empty where they are not known.
    """

    address: str = ""
    replaces: str = ""

    @classmethod
    def of(cls, scope: dict[str, Any]) -> Origin:
        """What an ASGI handshake says of it."""
        return cls(counted_address(scope), offered_session(scope))


NOWHERE = Origin()


class Session:
    """Signs a client in and answers its frames. The door gives it one frame at a time.

    ``id`` is what the client is told of it. ``ends_at`` and ``old_at`` are times of the loop's clock: the end
    of the token, and that of any connection.
    """

    __slots__ = (
        "address",
        "bad_frames",
        "client",
        "ends_at",
        "follow",
        "hub",
        "id",
        "old_at",
        "opening",
        "paid_until",
        "principal",
        "refused",
        "verdict",
        "warned",
    )

    def __init__(self, hub: Hub, client: Client) -> None:
        self.hub = hub
        self.client = client
        self.id = secrets.token_hex(8)
        self.address = ""
        #: Of a stream, what its reply tells of the user's limits, or of those that refused it.
        self.verdict: Verdict | None = None
        #: A WebSocket that was not logged yet.
        self.opening: Opening | None = None
        #: Set by the desk, when the token was found good.
        self.principal: Principal | None = None
        #: What to do when the default rooms of the user have changed; None where the rooms are the client's.
        self.follow: Callable[[], None] | None = None
        self.bad_frames = 0
        # The frames that came are paid for, at their rate, until then; of those beyond, how many came.
        self.paid_until = 0.0
        self.refused = 0
        self.ends_at: float | None = None
        self.old_at = 0.0
        self.warned = False

    async def begin(
        self,
        token: str | None,
        origin: Origin = NOWHERE,
        *,
        principal: Principal | None = None,
        opening: Opening | None = None,
    ) -> None:
        """The connection is open: sign in with the token of its handshake, or wait for one.

        ``principal`` is who it is where the door has proved that in another way; ``opening`` is to be logged.
        """
        self.client.session = self
        self.opening = opening
        self.hub.add(self.client)
        if not self.hub.available:
            self.close(UNAVAILABLE, "prices stand still: Redis does not answer")
        elif not self.hub.desk.enter(self, origin.address):
            self.close(CONNECTION_LIMIT, "this address has as many connections as one may have")
        elif token or principal is not None:
            await self._sign_in(token or "", replaces=origin.replaces, principal=principal)
        else:
            limit = self.hub.limits.authenticate_seconds
            self.hub.wheel.set_deadline(self.client, limit, Deadline(UNAUTHORIZED, "no token came"))

    async def take(self, frame: str | bytes) -> None:
        """Answer one frame; bytes stand for a binary one. Returns when the next one may be read."""
        if self.client.closed:
            return
        if not self._may_ask():
            await self.client.writable()
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

    def opened(self, status: int, principal: Principal | None = None) -> None:
        """It is known now how the opening went. Does nothing the second time."""
        if self.opening is not None:
            opening, self.opening = self.opening, None
            opening.log_soon(self.hub.openings, status, principal)

    def found_again(self, principal: Principal | None) -> None:
        """The user as they are now; None where the session or key has ended."""
        before = self.principal
        if principal is None:
            self.close(UNAUTHORIZED, "the session or key has ended")
        elif before is not None:
            self.principal = principal
            if principal.expires_at != before.expires_at:
                self._set_end(principal)
            if principal.tier != before.tier:
                limits = self.hub.limits.told(principal.tier)
                self._reply(messages.limits(tier=principal.tier, limits=limits, now=_now()))
                self.leave_beyond_limit(principal)

    async def _handle(self, text: str) -> None:
        frame = parse_frame(text)
        if self.principal is None:
            if not isinstance(frame, Auth):
                self.close(UNAUTHORIZED, "the first frame must be auth")
                return
            await self._sign_in(frame.token, replaces=frame.session)
            return
        match frame:
            case Ping():
                self._reply(messages.pong(now=_now()))
            case Subscribe():
                verdict = await self.hub.desk.count(self.principal)
                if self.client.closed:
                    return
                if verdict is None or verdict.allowed:
                    await self._subscribe(self.principal, frame)
                else:
                    self._tell_limit(verdict)
            case Unsubscribe():
                self._unsubscribe(frame)
            case Auth():
                await self._refresh(self.principal, frame.token)

    async def _sign_in(self, token: str, *, replaces: str, principal: Principal | None = None) -> None:
        self.hub.wheel.set_deadline(self.client, None)
        try:
            found = await self.hub.desk.sign_in(self, token, principal=principal, replaces=replaces)
        except SignInRefused as error:
            if isinstance(error, Limited):
                self.verdict = error.verdict
            self.close(error.close_code, error.message)
            return
        except Unavailable as error:
            self.close(UNAVAILABLE, error.message)
            return
        if self.client.closed:
            return
        self.opened(SWITCHED, found)
        limits = self.hub.limits
        # Earlier by up to a tenth: those that came together come back one by one.
        age = limits.max_age_seconds * (1 - random.random() / 10)  # noqa: S311  (no secret depends on it)
        self.old_at = asyncio.get_running_loop().time() + age
        self.hub.wheel.add(self.client)
        self._reply(
            messages.hello(
                session=self.id,
                tier=found.tier,
                expires_at=found.expires_at,
                limits=limits.told(found.tier),
                heartbeat_seconds=limits.heartbeat_seconds,
                columns=compact_columns().declared if self.client.compact else None,
                now=_now(),
            )
        )
        self._set_end(found)

    async def _refresh(self, before: Principal, token: str) -> None:
        """A fresh token on an open connection takes the place of the one before."""
        try:
            found = await self.hub.desk.sign_in(self, token)
        except Limited as error:
            # As below: the token of before holds until its end.
            self._tell_limit(error.verdict)
            return
        except SignInRefused as error:
            self.close(error.close_code, error.message)
            return
        except Unavailable as error:
            # The token of before holds until its end, so there is time to try again.
            self._reply(messages.error(UNAVAILABLE, error.message, now=_now()))
            return
        if self.client.closed:
            return
        if found.user_id != before.user_id:
            self.close(UNAUTHORIZED, "the token is another user's")
            return
        self.principal = found
        limits = self.hub.limits.told(found.tier)
        self._reply(
            messages.authenticated(tier=found.tier, expires_at=found.expires_at, limits=limits, now=_now())
        )
        self.leave_beyond_limit(found)
        self._set_end(found)

    def _set_end(self, principal: Principal) -> None:
        self.warned = False
        self.ends_at = None
        if principal.expires_at is not None:
            left = (principal.expires_at - _now()).total_seconds()
            self.ends_at = asyncio.get_running_loop().time() + left
        self._look_at_clock()

    def _look_at_clock(self) -> None:
        """Close, warn, or come back when it is time to."""
        now = asyncio.get_running_loop().time()
        moments = [self.old_at]
        if self.ends_at is not None:
            moments.append(self.ends_at)
            if now >= self.ends_at:
                self.close(UNAUTHORIZED, "the token has expired")
                return
            warning = self.ends_at - self.hub.limits.warn_seconds
            if now < warning:
                moments.append(warning)
            elif not self.warned:
                self.warned = True
                self._warn()
        if now >= self.old_at:
            self.close(TOO_OLD, "this connection was open for long enough; connect again")
        elif not self.client.closed:
            self.hub.wheel.set_deadline(self.client, min(moments) - now, _look_at_clock)

    def _warn(self) -> None:
        if self.principal is not None and self.principal.expires_at is not None:
            self._reply(messages.token_expiring(expires_at=self.principal.expires_at, now=_now()))

    def leave_beyond_limit(self, principal: Principal) -> None:
        """Leave the rooms that the tier does not allow, the newest first."""
        most = self.hub.limits.rooms_of(principal.tier)
        for room in list(self.client.rooms.values())[most:][::-1]:
            self.hub.leave(self.client, room)
            message = f"This connection may be in {most} rooms."
            self._reply(
                messages.error(ROOM_LIMIT, message, now=_now(), details={"limit": most}, room=room.name)
            )

    def _may_ask(self) -> bool:
        """Whether frames come slowly enough that this one is answered."""
        limits = self.hub.limits
        now = asyncio.get_running_loop().time()
        if self.paid_until <= now:
            self.paid_until, self.refused = now, 0
        if (self.paid_until - now) * limits.frames_per_second <= limits.frames_at_once - 1:
            self._pay(1)
            return True
        self.refused += 1
        if self.refused == 1:
            self._reply(messages.error(FRAME_LIMIT, "Frames come too fast: wait a few seconds.", now=_now()))
        elif self.refused > limits.frames_refused:
            self.close(FLOOD, f"{self.refused} frames came too fast")
        return False

    def _tell_limit(self, verdict: Verdict) -> None:
        """A frame is not carried out."""
        details = {**verdict.details, "retry_after": verdict.retry_after}
        self._reply(messages.error(REQUEST_LIMIT, "Too many requests", now=_now(), details=details))

    def _pay(self, frames: float) -> None:
        self.paid_until += frames / self.hub.limits.frames_per_second

    async def _subscribe(self, principal: Principal, frame: Subscribe) -> None:
        self._pay(len(frame.rooms) // _ROOMS_OF_A_FRAME)
        try:
            rooms, refused, missed = await subscriptions.subscribe(
                self.hub, self.client, principal, frame.rooms, frame.since
            )
        except Unavailable as error:
            self._reply(messages.error(UNAVAILABLE, error.message, now=_now()))
            self.close(UNAVAILABLE, error.message)
            return
        numbers = None
        if self.client.compact:
            numbers = {name: room.number for name, room in self.client.rooms.items()}
        for refusal in refused:
            self._reply(refusal_message(refusal, frame.stock_code))
        if frame.stock_code is None:
            self._reply(messages.subscribed(rooms=rooms, now=_now(), numbers=numbers))
        elif not refused:
            room, standing = next((name, held) for name, held in rooms.items() if held.asked)
            self._reply(
                messages.subscribed_to_stock(
                    stock_code=frame.stock_code, room=room, standing=standing, now=_now(), numbers=numbers
                )
            )
        for log, events in missed.items():
            self.hub.give(self.client, events, log)
        if self.principal is not None and self.principal.tier != principal.tier:
            # It changed while the rooms were being read.
            self.leave_beyond_limit(self.principal)

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


def refusal_message(refusal: Refusal, stock_code: str | None = None) -> bytes:
    """The `error` frame of a room that is not joined."""
    subject = {"room": refusal.room}
    if stock_code is not None:
        subject["stock_code"] = stock_code
    return messages.error(
        refusal.code, refusal.message, now=_now(), name=refusal.name, details=refusal.details, **subject
    )


def _look_at_clock(client: Client) -> None:
    if client.session is not None:
        client.session._look_at_clock()


def _now() -> datetime:
    return datetime.now(UTC)
