"""A lean Redis connection: an asyncio protocol over the hiredis parser, RESP3, answers in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

from realtime.redis import Target

_NOTHING_YET = object()

OnPush = Callable[[Sequence[Any]], None]
OnReply = Callable[[Any], None]


class Lost(Exception):
    """The connection has ended, or its server refused a request."""


class RespConnection(asyncio.Protocol):
    """Pushed messages go to ``on_push``, replies to who asked.

    Any error reply ends the connection: what is asked here is answered by a healthy server.
    """

    def __init__(self, on_push: OnPush) -> None:
        self.lost: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()
        self._on_push = on_push
        self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)
        self._asked: deque[OnReply] = deque()
        self._transport: asyncio.Transport

    @classmethod
    async def open(cls, target: Target, on_push: OnPush) -> RespConnection:
        """Connect, speak RESP3, log in and select the database; raises OSError or Lost."""
        loop = asyncio.get_running_loop()
        if target.path is not None:
            _, connection = await loop.create_unix_connection(lambda: cls(on_push), target.path)
        else:
            _, connection = await loop.create_connection(
                lambda: cls(on_push), target.host, target.port, ssl=target.tls
            )
        try:
            hello: list[str] = ["HELLO", "3"]
            if target.password is not None:
                hello += ["AUTH", target.username or "default", target.password]
            await connection.call(*hello)
            if target.database:
                await connection.call("SELECT", str(target.database))
        except BaseException:
            connection.abort()
            raise
        return connection

    def tell(self, *words: str | bytes) -> None:
        """Send a request that is answered by a push, or not at all."""
        self._transport.write(_packed(words))

    def ask(self, on_reply: OnReply, *words: str | bytes) -> None:
        """Send a request; its reply comes to ``on_reply``, unless the connection is lost before."""
        self._asked.append(on_reply)
        self._transport.write(_packed(words))

    async def call(self, *words: str | bytes) -> Any:
        """Send a request and return its reply; raises Lost."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.ask(lambda answer: None if reply.done() else reply.set_result(answer), *words)
        await asyncio.wait((reply, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if not reply.done():
            reply.cancel()
            raise self.lost.result()
        return reply.result()

    def abort(self) -> None:
        self._transport.abort()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "closed")

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while not self.lost.done():
            try:
                answer = self._reader.gets()
            except hiredis.ProtocolError as error:
                self._end(str(error))
                return
            if answer is _NOTHING_YET:
                return
            if isinstance(answer, hiredis.PushNotification):
                self._on_push(answer)
            elif isinstance(answer, hiredis.ReplyError):
                self._end(str(answer))
            elif self._asked:
                self._asked.popleft()(answer)
            else:
                self._end("an answer came that was not asked for")

    def _end(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(Lost(reason))
        self._transport.abort()


def _packed(words: tuple[Any, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(words)
    return packed
