"""What waits for a consumer that is slower than the market."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable

from stockroom_client.events import Event


class Inbox:
    """A queue in which a newer value takes the place of the older one of its key.

    So every key gets its turn, with its newest value, however slow the consumer is. Events without a key are
    all kept, in order; when ``size`` of them wait, `writable` waits too and the client stops reading: the
    server then holds back, and resumes where the client stands. Nothing is ever dropped.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: OrderedDict[Hashable, Event] = OrderedDict()
        self._serial = 0
        self._kept = 0
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._error: BaseException | None = None
        #: How many events a newer one has replaced before they were read.
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Event, key: Hashable | None = None) -> None:
        """Take an event; ``key`` says what it is the whole value of."""
        if key is None:
            self._serial += 1
            key = self._serial
            self._kept += 1
            if self._kept >= self._size:
                self._writable.clear()
        elif key in self._waiting:
            self.conflated += 1
        self._waiting[key] = event
        self._arrived.set()

    async def writable(self) -> None:
        """Return when fewer than ``size`` events wait that may not be replaced."""
        await self._writable.wait()

    @property
    def full(self) -> bool:
        return not self._writable.is_set()

    async def get(self) -> Event:
        """The next event. After the end: raises its error, or StopAsyncIteration."""
        while not self._waiting:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        key, event = self._waiting.popitem(last=False)
        if isinstance(key, int):
            self._kept -= 1
            if self._kept < self._size:
                self._writable.set()
        return event

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; what waits is still read."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._arrived.set()
