"""Live prices and order books over the KIS WebSocket, through cuts, refusals and silence."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection

from stocks.providers.errors import Malformed, ProviderError, Upstream
from stocks.providers.kis import frames
from stocks.providers.kis.frames import Ack, Channel, Data, Ping
from stocks.providers.kis.hours import CALENDAR
from stocks.providers.kis.line import dial, receive
from stocks.providers.kis.parse.answers import NAME
from stocks.providers.kis.parse.values import microseconds
from stocks.providers.kis.pauses import InUse, KeyRefused, Pace, Pauses
from stocks.providers.kis.registrations import Registrations
from stocks.providers.protocol import Update
from stocks.sessions import schedule
from stocks.types import OrderBook, Tick

logger = logging.getLogger(__name__)

PATH = "/tryitout"
#: So many frames in a row that cannot be read mean that the other side speaks something else.
MAX_BAD = 20
WARN_SECONDS = 10.0

_KEY_REFUSED = "OPSP0011"
_IN_USE = "8996"


class ApprovalKey(Protocol):
    def __call__(self, *, refused: str | None = None) -> str: ...


@dataclass(slots=True)
class _Link:
    """An open connection, the key that it was opened with, and what it is registered for."""

    connection: ClientConnection
    key: str = field(repr=False)
    registrations: Registrations = field(default_factory=Registrations)
    #: Frames in a row that could not be read, and when the next of them is worth a line in the log.
    bad: int = 0
    warn_at: float = 0.0


class PriceStream:
    """One WebSocket session at a time, opened where somebody wants a price.

    Args:
        url: the address without its path.
        approval_key: gives the shared key, and another one than that which was refused.
        now: the clock of ``received_at`` and of the day of order books.
        pace: what to wait for, and how long.
        jitter: draws a pause between two bounds.
    """

    def __init__(
        self,
        url: str,
        *,
        approval_key: ApprovalKey,
        now: Callable[[], datetime],
        pace: Pace | None = None,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._approval_key = approval_key
        self._now = now
        self._pace = pace or Pace()
        self._pauses = Pauses(self._pace, jitter)
        self._refused_key: str | None = None
        self._seq = 0

    def follow(self, wanted: Callable[[], Sequence[str]]) -> Generator[Update, None, None]:
        """Updates about the wanted codes, the first of them for certain, without end; see ``Streams``.

        Closing it hangs up.
        """
        while True:
            if not wanted():
                yield from self._rest(self._pace.wanted)
                continue
            try:
                link = yield from self._open()
                with closing(link.connection):
                    yield from self._listen(link, wanted)
            except (ProviderError, OSError, WebSocketException) as error:
                pause = self._pauses.after(error)
                logger.warning("no stream from %s, next try in %.1f s: %s", NAME, pause, _why(error))
                yield from self._rest(pause)

    def _open(self) -> Generator[Update, None, _Link]:
        # Issuing a key and dialling may take longer than the caller waits for a word.
        executor = ThreadPoolExecutor(1, thread_name_prefix=f"{NAME}-open")
        opening = executor.submit(self._dial)
        executor.shutdown(wait=False)
        taken = False
        try:
            while not wait([opening], timeout=self._pace.beat).done:
                yield Update()
            taken = True
            return opening.result()
        finally:
            if not taken:
                opening.add_done_callback(_hang_up)

    def _dial(self) -> _Link:
        # The first use of the calendar takes seconds, which are better spent here than between two frames.
        schedule(CALENDAR)
        key = self._approval_key(refused=self._refused_key)
        return _Link(dial(self._url, opening=self._pace.opening, sending=self._pace.sending), key)

    def _listen(self, link: _Link, wanted: Callable[[], Sequence[str]]) -> Iterator[Update]:
        ask_at = 0.0
        heard_at = time.monotonic()
        while True:
            if (moment := time.monotonic()) >= ask_at:
                for channel, subscribe in link.registrations.requests(wanted(), moment):
                    link.connection.send(frames.request(link.key, channel, subscribe=subscribe))
                ask_at = moment + self._pace.wanted
            if arrived := receive(link.connection, self._pace.beat):
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > self._pace.silence:
                raise Upstream(f"{NAME}: the stream is silent")
            yield self._update(link, arrived)

    def _update(self, link: _Link, arrived: Sequence[str | bytes]) -> Update:
        ticks: list[Tick] = []
        books: list[OrderBook] = []
        for frame in arrived:
            try:
                match frames.read(frame):
                    case Ping(text):
                        link.connection.send(text)
                    case Ack() as ack:
                        self._acknowledged(link, ack)
                    case Data() as data:
                        self._take(link, data, ticks, books)
                link.bad = 0
            except Malformed as error:
                self._leave_out(link, error)
        if ticks or books:
            self._pauses.reset()
        return Update(tuple(ticks), tuple(books))

    def _take(self, link: _Link, data: Data, ticks: list[Tick], books: list[OrderBook]) -> None:
        now = self._now()
        for record in data.records:
            # What was still on its way when its registration ended is wanted by nobody.
            if Channel(data.kind, record[frames.CODE]) not in link.registrations:
                continue
            try:
                if data.kind == frames.PRICES:
                    ticks.append(frames.tick(record, now, self._next(now)))
                else:
                    books.append(frames.book(record, schedule(CALENDAR), now, self._next(now)))
            except Malformed as error:
                # The other records of the frame are no worse for it.
                self._leave_out(link, error)

    @staticmethod
    def _leave_out(link: _Link, error: Malformed) -> None:
        link.bad += 1
        if link.bad >= MAX_BAD:
            raise error
        if (moment := time.monotonic()) >= link.warn_at:
            link.warn_at = moment + WARN_SECONDS
            logger.warning("a frame is left out: %s", error.message)

    def _acknowledged(self, link: _Link, ack: Ack) -> None:
        if ack.code == _KEY_REFUSED:
            self._refused_key = link.key
            raise KeyRefused(f"{NAME}: the approval key is refused")
        if ack.code.endswith(_IN_USE):
            raise InUse(f"{NAME}: the app key is in use by another session")
        if not link.registrations.answered(ack, time.monotonic()):
            logger.warning("%s of %s is refused: %s", ack.channel.kind, ack.channel.code, ack.code)

    def _next(self, now: datetime) -> int:
        # Microseconds since 1970 go on rising when the process starts again.
        self._seq = max(self._seq + 1, microseconds(now))
        return self._seq

    def _rest(self, seconds: float) -> Iterator[Update]:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            yield Update()
            time.sleep(min(left, self._pace.beat))


def _hang_up(opening: Future[_Link]) -> None:
    if opening.exception() is None:
        opening.result().connection.close()


def _why(error: Exception) -> str:
    """The reason in our words: those of a peer may repeat what it was told."""
    if isinstance(error, ProviderError):
        return error.message
    if isinstance(error, ConnectionClosed):
        return f"closed with {error.rcvd.code if error.rcvd else 'no word'}"
    return type(error).__name__
