"""Trades as they happen, over one WebSocket that is opened again whenever it ends.

One key has one connection. It acknowledges nothing: of the symbols that were sent for, the last ones are
refused with an error each when they are too many.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import datetime

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from stocks.providers.errors import AuthFailed, Malformed, Upstream
from stocks.providers.finnhub.line import Line
from stocks.providers.finnhub.parse.trades import Frame, frame
from stocks.providers.finnhub.quotas import REGISTRATIONS
from stocks.providers.protocol import Update
from stocks.types import Tick

logger = logging.getLogger(__name__)

#: An Update at least as often as this.
BEAT_SECONDS = 0.5
#: How often the stocks to follow are asked for.
ASK_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: A connection that lasted as long was a good one: the pauses begin anew after it.
STEADY_SECONDS = 30.0


def full_jitter(attempt: int) -> float:
    """Seconds to pause after so many failures in a row: anything up to a bound that doubles."""
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 16))
    return random.uniform(0.0, bound)  # noqa: S311 (spreads retries)


def follow(
    line: Line,
    wanted: Callable[[], Sequence[str]],
    *,
    now: Callable[[], datetime],
    source: str,
    pause: Callable[[int], float] = full_jitter,
) -> Generator[Update, None, None]:
    """Updates without end, an empty one at least each second; raises AuthFailed and nothing else.

    Args:
        line: opens connections.
        wanted: the symbols to follow, the most wanted first, asked for again each second.
        now: the clock.
        source: what the ticks name as their source.
        pause: the seconds to wait after so many failures in a row.
    """
    numbers = _Numbers()
    failures = 0
    pool = ThreadPoolExecutor(1, thread_name_prefix="finnhub")
    try:
        while True:
            began = time.monotonic()
            try:
                connection = yield from _opened(pool.submit(line.open))
                began = time.monotonic()
                with closing(connection):
                    yield from _Registrations(connection, line, wanted, now, source, numbers).updates()
            except (Upstream, ConnectionClosed) as error:
                why = error.message if isinstance(error, Upstream) else "finnhub: the stream has ended"
            failures = 0 if time.monotonic() - began >= STEADY_SECONDS else failures + 1
            seconds = pause(failures)
            logger.warning("%s, next try in %.1f s", why, seconds)
            yield from _rested(seconds)
    finally:
        pool.shutdown(wait=False)


def _opened(opening: Future[ClientConnection]) -> Generator[Update, None, ClientConnection]:
    """Empty updates until the connection is there, which is then returned."""
    try:
        while True:
            try:
                return opening.result(timeout=BEAT_SECONDS)
            except TimeoutError:
                yield Update()
    except GeneratorExit:
        # Nobody waits for it any longer.
        opening.add_done_callback(_close)
        raise


def _close(opening: Future[ClientConnection]) -> None:
    if opening.exception() is None:
        opening.result().close()


def _rested(seconds: float) -> Iterator[Update]:
    until = time.monotonic() + seconds
    yield Update()
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, BEAT_SECONDS))
        yield Update()


class _Numbers:
    """Numbers that rise with every tick and across restarts: microseconds since 1970, or one more."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, moment: datetime) -> int:
        self._last = max(self._last + 1, int(moment.timestamp() * 1_000_000))
        return self._last


class _Registrations:
    """One connection and the symbols that it follows."""

    def __init__(
        self,
        connection: ClientConnection,
        line: Line,
        wanted: Callable[[], Sequence[str]],
        now: Callable[[], datetime],
        source: str,
        numbers: _Numbers,
    ) -> None:
        self._connection = connection
        self._line = line
        self._wanted = wanted
        self._now = now
        self._source = source
        self._numbers = numbers
        self._limit = REGISTRATIONS
        # In the order in which they were sent for.
        self._registered: dict[str, None] = {}
        self._complained = False

    def updates(self) -> Iterator[Update]:
        """Until the connection ends, which raises ConnectionClosed."""
        ask_at = time.monotonic()
        while True:
            if time.monotonic() >= ask_at:
                self._register(self._wanted())
                ask_at = time.monotonic() + ASK_SECONDS
            try:
                message = self._connection.recv(timeout=BEAT_SECONDS)
            except TimeoutError:
                yield Update()
                continue
            received_at = self._now()
            try:
                said = frame(message, now=received_at)
            except Malformed as error:
                self._complain(error.message)
                said = Frame()
            if said.error:
                self._heed(said.error)
            if said.refused:
                self._complain(said.refused[0])
            yield Update(self._ticks(said, received_at))

    def _ticks(self, said: Frame, received_at: datetime) -> tuple[Tick, ...]:
        """Its trades, but for symbols that are no longer followed."""
        return tuple(
            Tick(
                code=trade.symbol,
                price=trade.price,
                as_of=trade.at,
                received_at=received_at,
                source=self._source,
                seq=self._numbers.next(received_at),
            )
            for trade in said.trades
            if trade.symbol in self._registered
        )

    def _register(self, wanted: Sequence[str]) -> None:
        chosen = dict.fromkeys(wanted[: self._limit])
        for symbol in [one for one in self._registered if one not in chosen]:
            self._unsubscribe(symbol)
        for symbol in chosen:
            if symbol not in self._registered:
                self._send("subscribe", symbol)
                self._registered[symbol] = None

    def _heed(self, words: str) -> None:
        """An error of theirs: fewer symbols where they are too many, the end where it is about the key."""
        said = words.lower()
        if "too many" in said:
            self._limit = max(1, len(self._registered) - 1)
            if len(self._registered) > self._limit:
                self._unsubscribe(next(reversed(self._registered)))
        elif "api key" in said or "token" in said:
            raise AuthFailed("finnhub: the stream refuses the key")
        self._complain(self._line.redact(words)[:160])

    def _unsubscribe(self, symbol: str) -> None:
        self._send("unsubscribe", symbol)
        del self._registered[symbol]

    def _send(self, what: str, symbol: str) -> None:
        self._connection.send(json.dumps({"type": what, "symbol": symbol}))

    def _complain(self, why: str) -> None:
        """Once a connection: what is wrong is wrong again a moment later."""
        if not self._complained:
            self._complained = True
            logger.warning("finnhub: the stream: %s", why)
