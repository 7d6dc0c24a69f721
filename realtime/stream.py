"""One stream of events: a client of the hub that only listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from realtime import budgets, subscriptions
from realtime.asgi import Send
from realtime.authentication import Principal, authenticate_cookie
from realtime.budgets import Limited, Verdict
from realtime.client import Client
from realtime.default_rooms import default_rooms
from realtime.errors import Unavailable
from realtime.event_stream import EventStream, Header
from realtime.hub import Hub
from realtime.protocol import messages
from realtime.protocol.codes import UNAUTHORIZED, UNAVAILABLE
from realtime.protocol.position import Position
from realtime.replies import Refused
from realtime.requests import StreamRequest
from realtime.session import NOWHERE, Origin, Session, refusal_message
from realtime.subscriptions import Refusal
from realtime.threads import in_thread


class Stream:
    """Joins rooms first and is opened then: what stands against it is known before the reply begins."""

    __slots__ = ("_again", "_looking", "client", "hub", "session", "transport")

    def __init__(self, hub: Hub, send: Send) -> None:
        self.hub = hub
        self.client = Client()
        self.transport = self.client.transport = EventStream(
            client=self.client, send=send, limits=hub.limits, resumed=hub.resumed, slow=hub.close
        )
        self.session = Session(hub, self.client)
        self._looking: asyncio.Task[None] | None = None
        self._again = False

    @property
    def is_open(self) -> bool:
        return self.transport.opened

    async def begin(self, request: StreamRequest, origin: Origin = NOWHERE) -> None:
        """Sign in and join; raises Refused."""
        credential, allowed = request.credential, budgets.configured()
        if credential is None:
            if allowed is not None:
                await self._count(partial(allowed.strangers, counted=[False]), origin)
            raise Refused.by(UNAUTHORIZED, "Authentication credentials were not provided.")
        try:
            if credential.cookie:
                if allowed is not None:
                    await self._count(allowed.addresses, origin)
                known = await in_thread(authenticate_cookie, credential.text)
                if known is None:
                    if allowed is not None:
                        await self._count(partial(allowed.strangers, counted=[True]), origin)
                    raise Refused.by(UNAUTHORIZED, "the session has ended")
                await self.session.begin(None, origin, principal=known)
            else:
                await self.session.begin(credential.text, origin)
            principal = self._principal()
            given = request.rooms
            if given is None:
                self.session.follow = self.follow
            names = await in_thread(default_rooms, principal) if given is None else given
            refused = await self._join(principal, names, request.since)
        except Unavailable as error:
            raise Refused.by(UNAVAILABLE, error.message) from error
        if refused and given is not None:
            raise _all_of(refused)
        self._principal()

    def open(self, headers: Sequence[Header]) -> None:
        """Answer with what has waited; raises Gone."""
        self.hub.wheel.add(self.client, self.hub.limits.keep_alive_seconds)
        self.transport.open(headers)

    def end(self) -> None:
        """The client has left, or was told to."""
        self.hub.remove(self.client)

    def follow(self) -> None:
        """Look again at the default rooms of the user: join what is new, leave what is gone."""
        self._again = True
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._again and not self.client.closed and self.session.principal is not None:
                self._again = False
                principal = self.session.principal
                await self._change(principal, await in_thread(default_rooms, principal))
        except Unavailable as error:
            # The client comes back, and finds its rooms then.
            self.session.close(UNAVAILABLE, error.message)
        finally:
            self._looking = None

    async def _change(self, principal: Principal, names: Sequence[str]) -> None:
        wanted = subscriptions.names_of(names)
        left = subscriptions.unsubscribe(
            self.hub, self.client, [name for name in self.client.rooms if name not in wanted]
        )
        if left:
            message = messages.unsubscribed(left=left, rooms=self.client.rooms, now=datetime.now(UTC))
            self.hub.reply(self.client, message)
        new = [name for name in wanted if name not in self.client.rooms]
        if new and not self.client.closed:
            await self._join(principal, new, {})

    async def _count(
        self, counted: Callable[[Sequence[str]], Sequence[Verdict | None]], origin: Origin
    ) -> None:
        """Count the request for its address; raises Refused."""
        [self.session.verdict] = await in_thread(counted, [origin.address])
        if self.session.verdict is not None and not self.session.verdict.allowed:
            raise Limited(self.session.verdict).refused()

    def _principal(self) -> Principal:
        """Who has signed in; raises Refused where the session was closed."""
        if self.transport.refused is not None:
            if self.session.verdict is not None and not self.session.verdict.allowed:
                raise Limited(self.session.verdict).refused()
            raise Refused.by(*self.transport.refused)
        assert self.session.principal is not None
        return self.session.principal

    async def _join(
        self, principal: Principal, names: Sequence[str], since: Mapping[str, Position]
    ) -> list[Refusal]:
        """Join rooms, and tell the client of all that it is in; those that were refused."""
        rooms, refused, missed = await subscriptions.subscribe(self.hub, self.client, principal, names, since)
        for refusal in refused:
            self.hub.reply(self.client, refusal_message(refusal))
        self.hub.reply(self.client, messages.subscribed(rooms=rooms, now=datetime.now(UTC)))
        for log, events in missed.items():
            self.hub.give(self.client, events, log)
        now = self.session.principal
        if now is not None and now.tier != principal.tier:
            # It changed while the rooms were being read.
            self.session.leave_beyond_limit(now)
        return refused


def _all_of(refused: Sequence[Refusal]) -> Refused:
    """One error for all rooms that were refused: that of the first, with all of them in its details."""
    first = refused[0]
    rooms = {
        refusal.room: {"error": refusal.name, "message": refusal.message, "details": refusal.details}
        for refusal in refused
    }
    return Refused.by(first.code, first.message, name=first.name, details={**first.details, "rooms": rooms})
