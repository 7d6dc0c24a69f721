"""The client: one object that stays connected, and an iterator over what happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from stockroom_client.backoff import Backoff
from stockroom_client.codes import ABNORMAL, UNAUTHORIZED, may_reconnect, may_retry_status
from stockroom_client.connection import Connection, Ended, ended
from stockroom_client.errors import ConnectionEnded, ProtocolError
from stockroom_client.events import Disconnected, Event, Gap, TokenExpiring, latest_key
from stockroom_client.inbox import Inbox
from stockroom_client.positions import Position, Rooms

logger = logging.getLogger("stockroom_client")

PATH = "/ws/stocks"
# A connection that was signed in for so long is a good one: the next wait is short again.
LIVED_SECONDS = 10.0
CLOSE_SECONDS = 2.0
# A token that the provider gives over and over although it ends soon is not handed on more often than this.
REFRESH_SPACING = 5.0
# The newest prices of a whole market come as one frame.
MAX_FRAME = 16 * 1024 * 1024

TokenProvider = Callable[[], Awaitable[str]]


class Stockroom:
    """Stays connected to a Stockroom server and yields typed events.

        async with Stockroom("ws://localhost:8000", token=token, rooms=["price:005930"]) as stockroom:
            async for event in stockroom:
                ...

    ``url``: `ws`, `wss`, `http` or `https`; without a path, `/ws/stocks`. The token goes in the first frame,
    never in the address. ``token_provider`` is asked for a token before each attempt and when one ends soon;
    what it raises ends the client, but OSError and TimeoutError count as a failed attempt.

    ``rooms`` may begin after positions that were kept (``since``). ``on_gap`` is called at once for each Gap,
    which also stands in the stream at its place. ``queue_size`` is how many events that may not be replaced
    wait for the consumer before the client stops reading. ``connect_options`` go to websockets' `connect`,
    such as `ssl` or `proxy`.

    The iterator raises ConnectionEnded where trying again cannot help, and ends after `close`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_provider: TokenProvider | None = None,
        rooms: Iterable[str] = (),
        since: Mapping[str, Position] | None = None,
        compact: bool = False,
        on_gap: Callable[[Gap], None] | None = None,
        queue_size: int = 10_000,
        backoff: Backoff | None = None,
        open_timeout: float = 10.0,
        connect_options: Mapping[str, Any] | None = None,
    ) -> None:
        if (token is None) == (token_provider is None):
            raise ValueError("give either token or token_provider")
        self._address = _address(url, compact=compact)
        self._token = token
        self._token_provider = token_provider
        self._rooms = Rooms(since)
        self._rooms.want(rooms)
        self._on_gap = on_gap
        self._inbox = Inbox(queue_size)
        self._backoff = backoff or Backoff()
        self._open_timeout = open_timeout
        self._options = dict(connect_options or {})
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._refreshed_at = float("-inf")
        self._session = ""
        # In a row, without a `hello` between.
        self._refused_tokens = 0

    # --- What the user does ---

    def subscribe(self, *rooms: str) -> None:
        """Join rooms, now or as soon as there is a connection; kept through reconnects. Raises ValueError.

        The ack arrives as Subscribed, a refusal as ServerError that names the room.
        """
        self._rooms.want(rooms)
        self._tell_rooms()

    def unsubscribe(self, *rooms: str) -> None:
        """Leave rooms; nothing of them is yielded that comes later."""
        self._rooms.forget(rooms)
        self._tell_rooms()

    async def refresh(self, token: str) -> None:
        """Go on with a fresh token of the same user, without a new connection."""
        self._token = token
        if self._connection is not None:
            await self._connection.refresh(token)

    @property
    def positions(self) -> dict[str, Position]:
        """Where each room stands that the server has told of, events that wait to be yielded included.

        To go on after a restart of this program, keep the `epoch` and `sequence` of what was handled instead.
        """
        return self._rooms.positions()

    @property
    def rooms(self) -> list[str]:
        """The rooms that are wanted and were not refused."""
        return list(self._rooms.wanted)

    @property
    def is_live(self) -> bool:
        """Whether it is signed in now."""
        return self._connection is not None

    @property
    def conflated(self) -> int:
        """How many values were replaced by a newer one because the consumer was slower."""
        return self._inbox.conflated

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        self.start()
        return self

    async def __anext__(self) -> Event:
        return await self._inbox.get()

    def start(self) -> None:
        """Begin to connect; entering the context or iterating does it too."""
        if self._task is None:
            self._task = self._spawn(self._run())

    async def close(self) -> None:
        """Close the connection with 1000 and end the iterator. Does no harm twice."""
        self._inbox.end()
        tasks = [task for task in (self._refresh, self._task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- The life of the client ---

    async def _run(self) -> None:
        while True:
            end = await self._converse()
            self._judge(end)
            wait = self._backoff.next()
            self._tell(Disconnected(type="disconnected", code=end.code, reason=end.reason, retry_in=wait))
            await self._inbox.writable()
            await asyncio.sleep(wait)

    def _judge(self, end: Ended) -> None:
        """Return where another attempt is due; raises ConnectionEnded."""
        if end.code == UNAUTHORIZED and self._token_provider is not None:
            self._refused_tokens += 1
            if self._refused_tokens < 2:
                return
        elif (may_retry_status if end.code < 1000 else may_reconnect)(end.code):
            return
        raise ConnectionEnded(end.code, end.reason)

    async def _converse(self) -> Ended:
        """One connection, from its token to its end."""
        loop = asyncio.get_running_loop()
        signed_in_at = None
        try:
            token = await self._fresh_token()
            async with asyncio.timeout(self._open_timeout):
                socket = await connect(
                    self._address,
                    **{
                        "open_timeout": None,
                        "ping_interval": None,
                        "close_timeout": CLOSE_SECONDS,
                        "max_size": MAX_FRAME,
                        **self._options,
                    },
                )
            try:
                connection = Connection(socket, self._rooms, self._tell)
                async with asyncio.timeout(self._open_timeout):
                    hello = await connection.sign_in(token, self._session)
                signed_in_at = loop.time()
                self._refused_tokens = 0
                # Only a server that counts connections has a use for it.
                self._session = hello.session if "connections" in hello.limits else ""
                self._connection = connection
                self._tell(hello)
                return await self._attend(connection)
            except ProtocolError as error:
                logger.warning("the server is not understood: %s", error)
                await socket.close(1002)
                return Ended(ABNORMAL, str(error))
            finally:
                self._connection = None
                await _hang_up(socket)
        except ConnectionClosed as closed:
            return ended(closed)
        except InvalidStatus as error:
            return Ended(error.response.status_code, "the handshake was refused")
        except TimeoutError:
            return Ended(ABNORMAL, f"no answer within {self._open_timeout:.0f} s")
        except (OSError, InvalidHandshake) as error:
            return Ended(ABNORMAL, str(error))
        finally:
            if signed_in_at is not None and loop.time() - signed_in_at >= LIVED_SECONDS:
                self._backoff.reset()

    async def _attend(self, connection: Connection) -> Ended:
        subscribing = self._spawn(connection.keep_subscribed())
        try:
            return await connection.read(self._inbox.writable)
        finally:
            subscribing.cancel()
            await asyncio.gather(subscribing, return_exceptions=True)

    async def _fresh_token(self) -> str:
        if self._token_provider is not None:
            self._token = await self._token_provider()
        assert self._token is not None
        return self._token

    def _tell(self, event: Event) -> None:
        if isinstance(event, Gap) and self._on_gap is not None:
            self._on_gap(event)
        if isinstance(event, TokenExpiring):
            self._renew()
        self._inbox.put(event, latest_key(event))

    def _tell_rooms(self) -> None:
        if self._connection is not None:
            self._connection.rooms_changed()

    def _renew(self) -> None:
        """Ask for a fresh token beside the reading; one question at a time."""
        now = asyncio.get_running_loop().time()
        if self._token_provider is None or now - self._refreshed_at < REFRESH_SPACING:
            return
        if self._refresh is None or self._refresh.done():
            self._refreshed_at = now
            self._refresh = self._spawn(self._hand_over_fresh_token())

    async def _hand_over_fresh_token(self) -> None:
        used = self._token
        try:
            token = await self._fresh_token()
        except (OSError, TimeoutError) as error:
            # The server closes when the token ends; then it is asked for again.
            logger.warning("no fresh token could be had: %s", type(error).__name__)
            return
        if token != used and self._connection is not None:
            await self._connection.refresh(token)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        """What a task fails with ends the client, and is raised to the consumer after what came before it."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._inbox.end(error)
            if self._task is not None:
                self._task.cancel()


async def _hang_up(socket: ClientConnection) -> None:
    """Close and wait no longer than for a peer that answers; then drop the connection."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2 * CLOSE_SECONDS):
            await socket.close()
            return
    socket.transport.abort()


def _address(url: str, *, compact: bool) -> str:
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.netloc:
        raise ValueError("the address begins with ws://, wss://, http:// or https://")
    query = [parts.query] if parts.query else []
    if compact:
        query.append(urlencode({"format": "compact"}))
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") or PATH, "&".join(query), ""))
