"""Yahoo's stream of prices over a WebSocket, for a caller that must be able to stop.

A registration is a JSON text and is said again every 15 seconds, or Yahoo forgets it; nothing confirms it. A
connection that ends, by a clean close or not, is opened again after a pause with full jitter that doubles
until a minute and starts afresh once a price has come. yfinance's own clients are not used: one spins after a
clean close, and none comes back after an abort.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from stocks.folds import why_refused
from stocks.providers.protocol import Update
from stocks.providers.yahoo.parse import latest
from stocks.types import StockKey, Tick

logger = logging.getLogger(__name__)

#: An update is yielded and the wishes are read at least this often.
BEAT_SECONDS = 1.0
RESEND_SECONDS = 15.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
OPEN_SECONDS, CLOSE_SECONDS = 5.0, 1.0
MAX_FRAME = 256 * 1024


class Stream:
    """One stream.

    Args:
        url: of the WebSocket.
        wanted: the stocks to follow, by symbol.
        now: the clock.
        resend_seconds: how often registrations are said again.
        first_pause: the longest first pause before connecting again.
    """

    def __init__(
        self,
        url: str,
        wanted: Callable[[], Mapping[str, StockKey]],
        now: Callable[[], datetime],
        *,
        resend_seconds: float = RESEND_SECONDS,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._url = url
        self._wanted = wanted
        self._now = now
        self._resend_seconds = resend_seconds
        self._first_pause = first_pause
        self._failures = 0
        self._seq = 0

    def updates(self) -> Iterator[Update]:
        """Updates without end; an empty one at least every second."""
        while True:
            if not self._wanted():
                time.sleep(BEAT_SECONDS)
                yield Update()
                continue
            try:
                connection = yield from self._open()
                with connection:
                    yield from self._listen(connection)
            except (OSError, WebSocketException, ValueError) as error:
                logger.warning("yahoo: the stream is away (%s)", type(error).__name__)
            yield from self._pause()

    def _open(self) -> Generator[Update, None, ClientConnection]:
        """A connection, opened in a thread of its own so that the caller need not wait for it."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="yahoo-stream")
        opening = executor.submit(_connect, self._url)
        executor.shutdown(wait=False)
        try:
            while not wait([opening], BEAT_SECONDS).done:
                yield Update()
        except GeneratorExit:
            opening.add_done_callback(_close)
            raise
        return opening.result()

    def _listen(self, connection: ClientConnection) -> Iterator[Update]:
        """The prices of one connection until it ends, with registrations that follow the wishes."""
        keys: Mapping[str, StockKey] = {}
        look_at = time.monotonic()
        resend_at, yield_at = look_at + self._resend_seconds, look_at + BEAT_SECONDS
        while True:
            now = time.monotonic()
            if now >= look_at:
                before, keys = keys, self._wanted()
                self._say(connection, "unsubscribe", before.keys() - keys.keys())
                self._say(connection, "subscribe", keys.keys() - before.keys())
                look_at = now + BEAT_SECONDS
            if now >= resend_at:
                self._say(connection, "subscribe", keys.keys())
                resend_at = now + self._resend_seconds
            try:
                text = connection.recv(timeout=max(0.0, min(look_at, yield_at) - time.monotonic()))
            except TimeoutError:
                tick = None
            else:
                tick = self._tick(text, keys)
            if tick is not None:
                self._failures = 0
                yield Update(ticks=(tick,))
            elif time.monotonic() >= yield_at:
                yield Update()
            else:
                continue
            yield_at = time.monotonic() + BEAT_SECONDS

    def _tick(self, text: str | bytes, keys: Mapping[str, StockKey]) -> Tick | None:
        now = self._now()
        self._seq = max(self._seq + 1, latest.seq_at(now))
        tick = latest.frame(text, keys, now, self._seq)
        return tick if tick is not None and why_refused(tick, now) is None else None

    @staticmethod
    def _say(connection: ClientConnection, verb: str, symbols: Collection[str]) -> None:
        if symbols:
            connection.send(orjson.dumps({verb: sorted(symbols)}).decode())

    def _pause(self) -> Iterator[Update]:
        """Wait before the next connection, with an empty update every second."""
        longest = min(LONGEST_PAUSE, self._first_pause * 2 ** min(self._failures, 16))
        self._failures += 1
        until = time.monotonic() + random.uniform(0.0, longest)  # noqa: S311 (jitter is no secret)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, BEAT_SECONDS))
            yield Update()


def _connect(url: str) -> ClientConnection:
    """A new connection, over a socket of our own: with one the library follows no redirect."""
    address = parse_uri(url)
    raw = socket.create_connection((address.host, address.port), timeout=OPEN_SECONDS)
    raw.settimeout(None)
    return connect(
        url,
        sock=raw,
        proxy=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        max_size=MAX_FRAME,
        legacy=True,
    )


def _close(opening: Future[ClientConnection]) -> None:
    with suppress(OSError, WebSocketException, ValueError):
        opening.result().close()
