"""The consumer group ``portfolios``: every tick to the portfolios that hold its stock and are watched.

One process does it, so that what a room is told comes in order. The ticks that it has seen and the database
are all it knows; whatever fails is done again from there, and all that is watched is then told as a whole.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from uuid import UUID

import numpy as np
import redis

from portfolios.live import changes, reading, writing
from portfolios.live.book import Book, Sight
from portfolios.live.columns import Numbers
from portfolios.maths.whole import price_units
from realtime import keys
from realtime.log_rows import LogRows
from realtime.presence import occupied
from realtime.publish import Publishing
from stocks import stream
from stocks.batch import Batch, newest, sane
from stocks.consumer import BATCH, TickConsumer
from stocks.failpoints import reach
from stocks.lease import Lease
from stocks.wire import AS_OF, PREVIOUS_CLOSE, PRICE, SEQ, UNKNOWN
from stocks.wire_text import micros

logger = logging.getLogger(__name__)

GROUP: Final = changes.GROUP
#: A portfolio is told of prices at most once in so many seconds; of its ledger at once.
PACE_SECONDS: Final = 1.0
#: Seconds between two looks at who watches and at portfolios in turn; between two readings of exchange rates,
#: and of stored prices, which may also change by hand.
LOOK_SECONDS: Final = 1.0
RATES_SECONDS: Final = 15.0
PRICES_SECONDS: Final = 60.0
#: So many watched portfolios are compared with the database at a look.
COMPARED: Final = 1000
#: So many are read, and so many written out and published, while Redis takes those before. It serves others
#: between two of its parts.
READ_AT_ONCE, TOLD_AT_ONCE = 500, 500
#: So many parts are at Redis at once: it finds the next when it is done with one.
SENT_AT_ONCE: Final = 2
_NEVER: Final = float("-inf")
MICROS: Final = 1_000_000


class Revaluer:
    """Keeps the watched portfolios in step with prices and ledgers, and tells their rooms.

    ``told`` counts the messages that were published. Raises LeaseLost where another process has taken over;
    messages of this one are left out then, by the versions that they carry.
    """

    def __init__(self, lease: Lease, client: redis.Redis, *, pace_seconds: float = PACE_SECONDS) -> None:
        self.told = 0
        self._lease = lease
        self._client = client
        self._pace = pace_seconds
        self._book = Book()
        self._number = 0
        self._compare: list[UUID] = []
        # The occupied rooms that were looked at last, and how many portfolios they are.
        self._rooms: Sequence[str] = ()
        self._settled = 0
        self._looked_at = self._rates_at = self._prices_at = _NEVER
        self._epoch = b""
        self._said: list[tuple[bytes, dict[bytes, bytes]]] = []
        #: Whether rooms may not have been told what the book holds.
        self._doubtful = True

    def handle(self, batch: Batch) -> None:
        """Take in the newest price of each stock, and tell the portfolios whose turn it is."""
        now = datetime.now(UTC)
        batch, refused = sane(batch, now)
        if refused:
            logger.warning("%d updates are not counted, such as %s", len(refused), refused[0])
        for code, sight in _sights(batch):
            self._book.see(code, sight)
        self._tell(now)

    def look(self) -> None:
        """What is due besides ticks: who watches, what ledgers say, exchange rates, and what has waited."""
        if self._said:
            self._hear()
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._lease.check()
            if self._doubtful:
                self._begin()
            self._look_at_members()
            self._compare_some()
            self._look_at_figures()
            self._looked_at = time.monotonic()
        self._tell(datetime.now(UTC))

    def hear(self, said: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> None:
        """Entries of the stream of changes; looked at next."""
        self._said += said

    def patience(self) -> float:
        """For how many seconds nothing is due."""
        if self._said:
            return 0.0
        due = self._looked_at + LOOK_SECONDS
        if len(waiting := self._book.waiting()):
            due = min(due, int(self._book.owners["told"][waiting].min()) / MICROS + self._pace)
        return max(due - time.monotonic(), 0.0)

    def find_epoch(self) -> None:
        """Begin again where Redis has lost what rooms were told."""
        epoch = self._epoch_now()
        if epoch != self._epoch:
            self._doubtful = True
            self._looked_at = _NEVER
        self._epoch = epoch

    def _epoch_now(self) -> bytes:
        epoch: Any = self._client.hget(keys.POSITIONS, "epoch")
        return bytes(epoch or b"")

    # --- What is watched ---

    def _begin(self) -> None:
        """Forget the portfolios, not the prices: those that are watched are read and told anew."""
        for portfolio_id in list(self._book.portfolios):
            self._book.drop(portfolio_id)
        self._rates_at = self._prices_at = time.monotonic()
        self._doubtful = False

    def _look_at_members(self) -> None:
        rooms, known = occupied("portfolio"), self._book.portfolios.keys()
        # Portfolios go without this, but only this brings any.
        if rooms is self._rooms and len(known) == self._settled:
            return
        watched = {portfolio_id for portfolio_id in map(_id, rooms) if portfolio_id}
        for portfolio_id in known - watched:
            self._book.drop(portfolio_id)
        self._read(watched - known, reason=writing.STATE)
        # One that is archived is looked for again as long as somebody is in its room.
        self._rooms, self._settled = rooms, len(watched)

    def _read(self, ids: Iterable[UUID], *, reason: str) -> None:
        """Read portfolios; those that are archived are forgotten."""
        waiting = iter(sorted(ids))
        while some := list(islice(waiting, READ_AT_ONCE)):
            now = datetime.now(UTC)
            found = reading.stored(some)
            reading.put(self._book, found, reading.rates_for(found, now=now), reason=reason, now=now)
            for portfolio_id in {*some} - {one.id for one in found}:
                self._book.drop(portfolio_id)

    def _hear(self) -> None:
        said, self._said = changes.read(self._said), []
        known = self._book.portfolios
        self._read([one for one in said.changed if one in known], reason=writing.LEDGER)
        for portfolio_id in said.whole:
            if (portfolio := known.get(portfolio_id)) is not None:
                self._book.restate(portfolio, portfolio.reason or writing.STATE)
            else:
                # Somebody has just come in.
                self._looked_at = _NEVER

    def _compare_some(self) -> None:
        """Hold some portfolios against the database: what was said of their ledgers may have been lost."""
        if not self._compare:
            self._compare = list(self._book.portfolios)
        some, self._compare = self._compare[:COMPARED], self._compare[COMPARED:]
        stored = reading.heads(some) if some else {}
        changed = []
        for portfolio_id in some:
            portfolio = self._book.portfolios.get(portfolio_id)
            if portfolio is not None:
                head = reading.Head(portfolio.sequence, portfolio.method, portfolio.base)
                if stored.get(portfolio_id) != head:
                    changed.append(portfolio_id)
        self._read(changed, reason=writing.LEDGER)

    def _look_at_figures(self) -> None:
        """Exchange rates and stored prices, every so often."""
        at = time.monotonic()
        if at - self._rates_at >= RATES_SECONDS:
            self._rates_at = at
            self._look_at_rates()
        if at - self._prices_at >= PRICES_SECONDS:
            self._prices_at = at
            codes = [stock.code for stock in self._book.held()]
            self._book.list_stocks(reading.listings(codes, now=datetime.now(UTC)))

    def _look_at_rates(self) -> None:
        """Read the portfolios anew of which a rate is another one now."""
        foreign = [one for one in self._book.portfolios.values() if one.is_foreign]
        wanted: dict[str, set[str]] = {}
        for one in foreign:
            wanted.setdefault(one.base, set()).update(one.rates)
        now = reading.rates_of(wanted, now=datetime.now(UTC))
        changed = [
            one.id
            for one in foreign
            if any(now[one.base].get(currency) != rate for currency, rate in one.rates.items())
        ]
        self._read(changed, reason=writing.STATE)

    # --- Telling ---

    def _tell(self, now: datetime) -> None:
        """Tell the portfolios whose turn it is; the others wait."""
        if self._doubtful:
            return
        waiting, owners = self._book.waiting(), self._book.owners
        at = int(time.monotonic() * MICROS)
        is_due = at - owners["told"][waiting] >= self._pace * MICROS
        # What ledgers say is told at once.
        for number in np.flatnonzero(~is_due & (owners["plain"][waiting] == 0)).tolist():
            is_due[number] = self._book.by_place[int(waiting[number])].reason == writing.LEDGER
        due = waiting[is_due]
        if not len(due):
            return
        self._doubtful = True
        _publish(self._written(due, now, at))
        reach("after_publish")
        self.told += len(due)
        self._doubtful = False
        if not self._epoch:
            self._epoch = self._epoch_now()

    def _written(self, due: Numbers, now: datetime, at: int) -> Iterator[LogRows]:
        """The messages of portfolios in parts, which Redis takes one after the other."""
        for first in range(0, len(due), TOLD_AT_ONCE):
            some = due[first : first + TOLD_AT_ONCE]
            rows = self._rows(some, now)
            self._book.owners["told"][some] = at
            yield rows

    def _rows(self, places: Numbers, now: datetime) -> LogRows:
        # A process that was replaced has a lower epoch: what it still says is left out. No portfolio is among
        # these twice, so one number does for all.
        self._number += 1
        book, version = self._book, (self._lease.epoch, self._number)
        fields = writing.fields(book, places, now)
        return LogRows(book.logs, writing.TYPE, book.owners["log"][places], fields, version)


class PortfolioConsumer(TickConsumer):
    """The one member of the group ``portfolios`` that reads: ticks, and what is said of ledgers."""

    def __init__(self, revaluer: Revaluer, client: redis.Redis) -> None:
        super().__init__(
            group=GROUP,
            handle=revaluer.handle,
            client=client,
            on_return=self._begin_anew,
            reclaim_idle_ms=0,
            reclaim_every_seconds=LOOK_SECONDS,
        )
        self._revaluer = revaluer

    def step(self) -> int:
        """Read and handle what is there, after what is due besides; raises LeaseLost."""
        self._revaluer.look()
        return super().step()

    def _read(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        # At least a millisecond: 0 would be for ever.
        block = max(int(self._revaluer.patience() * 1000), 1)
        streams: dict[Any, Any] = {stream.STREAM: ">", changes.CHANGES: ">"}
        reply: Any = self.client.xreadgroup(self.group, self.name, streams, count=BATCH, block=block)
        ticks: list[tuple[bytes, dict[bytes, bytes]]] = []
        for name, entries in reply or ():
            if name == changes.CHANGES.encode():
                self._revaluer.hear(entries)
                changes.done(self.client, entries)
            else:
                ticks += entries
        return ticks

    def _begin_anew(self) -> None:
        # From the first entry on: what is old is older than what is stored.
        stream.ensure_group(self.client, GROUP)
        changes.begin_anew(self.client)
        self._revaluer.find_epoch()


@lru_cache(maxsize=32_768)
def _id(text: str) -> UUID | None:
    """The portfolio of a room; None of a name that nobody could have joined."""
    try:
        portfolio_id = UUID(text)
    except ValueError:
        return None
    return portfolio_id if str(portfolio_id) == text else None


def _publish(parts: Iterable[LogRows]) -> None:
    """Publish parts of which none has to come after another; some wait at Redis while others are written."""
    sent: deque[Publishing] = deque()
    try:
        for rows in parts:
            publishing = Publishing([], rows)
            if len(sent) == SENT_AT_ONCE:
                sent[0].end()
                del sent[0]
            sent.append(publishing)
            publishing.begin()
            if publishing.is_by_script:
                # After it, where rooms stand can be known; beside it, all would go this long way.
                publishing.end()
                sent.remove(publishing)
        while sent:
            sent[0].end()
            del sent[0]
    finally:
        for publishing in sent:
            publishing.leave()


def _sights(batch: Batch) -> Iterator[tuple[str, Sight]]:
    """The newest price of each stock of a batch."""
    positions, odd = newest(batch)
    for code, source, as_of, seq, price, previous in zip(
        batch.code[positions].tolist(),
        batch.source[positions].tolist(),
        *batch.columns[[AS_OF, SEQ, PRICE, PREVIOUS_CLOSE]][:, positions].tolist(),
        strict=True,
    ):
        before = None if previous == UNKNOWN else previous
        yield batch.codes[code], Sight((as_of, seq), as_of, price, before, batch.sources[source])
    for tick in odd:
        at = micros(tick.as_of)
        before = None if tick.previous_close is None else price_units(tick.previous_close)
        yield tick.code, Sight((at, tick.seq), at, price_units(tick.price), before, tick.source)
