"""The newest quotes in Redis, so that a price that was just seen needs no database and no provider.

One hash, code to entry. Entries only move forward, whoever writes them. What one says is fresh for 30 s while
its market is open, and until the next opening while it is closed, counted from when it was found to be the
newest; whether it is stale is worked out when it is read, as for a stored quote.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import cast

from accounts.redis import RedisAway, Script, call
from stocks.history import PRICE_PLACES
from stocks.models import Stock
from stocks.selectors.prices import SANDBOX, LatestPrice, is_stale
from stocks.sessions import schedule
from stocks.types import Tick

logger = logging.getLogger(__name__)

KEY = "quotes"
#: For how long nobody looks again while the market is open.
FRESH_SECONDS = 30
#: Redis serves nobody else while it takes one part: 100 entries are less than half a millisecond.
AT_ONCE = 100
#: Seconds after which the stocks are read again, and the shortest time between two reads for unknown codes.
KEPT_SECONDS, AGAIN_SECONDS = 300.0, 15.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_PLACE = Decimal(1).scaleb(-PRICE_PLACES)
_UNKNOWN = "-"

_put = Script((Path(__file__).parent / "lua" / "put_quotes.lua").read_text())


@dataclass(frozen=True, slots=True)
class CachedQuote:
    """A tick with what its reply needs to know of its stock.

    ``calendar`` is the trading calendar of the stock's market. ``checked_at`` is when the tick was found to
    be the newest: it came in at that time, or was read where the truth is.
    """

    tick: Tick
    currency: str
    calendar: str
    checked_at: datetime

    def fresh_until(self) -> datetime:
        """Until when the quote is answered with and nobody asked for a newer one."""
        soon = self.checked_at + timedelta(seconds=FRESH_SECONDS)
        if self.tick.source == SANDBOX:
            return soon
        sessions = schedule(self.calendar)
        if sessions.is_open(self.checked_at):
            return soon
        return sessions.next_open(self.checked_at) or soon

    def is_fresh(self, now: datetime) -> bool:
        return now < self.fresh_until()

    def is_stale(self, now: datetime) -> bool:
        """Whether the market has traded on since."""
        return is_stale(self.calendar, self.tick.source, self.tick.as_of, now)

    def price(self, now: datetime) -> LatestPrice:
        """The quote as the latest price of its stock, stale or not at ``now``."""
        tick = self.tick
        return LatestPrice(
            price=tick.price,
            previous_close=tick.previous_close,
            open=tick.open,
            high=tick.high,
            low=tick.low,
            volume=tick.volume,
            as_of=tick.as_of,
            received_at=tick.received_at,
            source=tick.source,
            basis="quote",
            stale=self.is_stale(now),
        )

    def entry(self) -> bytes:
        """The quote as it stands in Redis: words with spaces between them, ``-`` for what is unknown."""
        tick = self.tick
        words = (
            *(_microseconds(tick.as_of), tick.seq, _microseconds(self.checked_at)),
            *(_microseconds(tick.received_at), _stored(tick.price), _stored(tick.previous_close)),
            *(_stored(tick.open), _stored(tick.high), _stored(tick.low)),
            *(tick.volume, tick.source, self.currency, self.calendar),
        )
        return " ".join([_UNKNOWN if word is None or word == "" else str(word) for word in words]).encode()

    @classmethod
    def read(cls, code: str, entry: bytes) -> CachedQuote | None:
        """The quote of an entry; None for what is no entry."""
        try:
            as_of, seq, checked, received, price, *rest = entry.decode().split(" ")
            previous, opened, high, low, volume, source, currency, calendar = map(_known, rest)
            tick = Tick(
                code=code,
                price=Decimal(price),
                as_of=_moment(as_of),
                received_at=_moment(received),
                source=source or "",
                seq=int(seq),
                volume=None if volume is None else int(volume),
                open=_decimal(opened),
                high=_decimal(high),
                low=_decimal(low),
                previous_close=_decimal(previous),
            )
            return cls(tick, currency or "", calendar or "", _moment(checked))
        except (ValueError, InvalidOperation, OverflowError):
            logger.warning("the cached quote of %s cannot be read", code)
            return None


class QuoteCache:
    """Writes ticks into the cache; remembers for its process the currency and calendar of every code."""

    def __init__(self) -> None:
        self._listed = _Listed()
        # What Redis did not take, by code: it must not keep an older price than the database holds.
        self._owed: dict[str, Tick] = {}

    def put(self, ticks: Iterable[Tick]) -> None:
        """Take over ticks that the database holds by now; each was the newest when it was received.

        Those of codes that no stock has are left out. Never fails for Redis: what it does not take is put
        with the next ticks.
        """
        newest = dict(self._owed)
        for tick in ticks:
            known = newest.get(tick.code)
            if known is None or (tick.as_of, tick.seq) > (known.as_of, known.seq):
                newest[tick.code] = tick
        quotes = [
            CachedQuote(tick, *place, checked_at=tick.received_at)
            for tick in newest.values()
            if (place := self._listed.find(tick.code)) is not None
        ]
        self._owed = {} if remember(quotes) else {quote.tick.code: quote.tick for quote in quotes}


def remember(quotes: Sequence[CachedQuote]) -> bool:
    """Put quotes into the cache where they are newer than what it holds; says whether Redis took them."""
    # The script knows no numbers below 0, and there is no such price.
    quotes = [quote for quote in quotes if quote.tick.as_of > _EPOCH and quote.tick.seq >= 0]
    try:
        for start in range(0, len(quotes), AT_ONCE):
            part = quotes[start : start + AT_ONCE]
            _put([KEY], [*(quote.tick.code for quote in part), *(quote.entry() for quote in part)])
    except RedisAway as error:
        logger.warning("%d quotes are not in the cache: %s", len(quotes), error)
        return False
    return True


def get_many(codes: Sequence[str]) -> dict[str, CachedQuote]:
    """The cached quotes of ``codes``, fresh or not, in one call; empty while Redis is away."""
    if not codes:
        return {}
    try:
        entries = call("HMGET", KEY, *codes)
    except RedisAway:
        return {}
    return dict(_readable(zip(codes, entries, strict=True)))


def forget_all() -> None:
    """Drop every quote, because stocks are not what they were."""
    try:
        call("DEL", KEY)
    except RedisAway as error:
        logger.warning("cached quotes are not dropped: %s", error)


def _readable(found: Iterable[tuple[str, bytes | None]]) -> Iterator[tuple[str, CachedQuote]]:
    for code, entry in found:
        if entry is not None and (quote := CachedQuote.read(code, entry)) is not None:
            yield code, quote


class _Listed:
    """Currency and trading calendar of every stock, kept in memory and read anew every few minutes."""

    def __init__(self) -> None:
        self._places: Mapping[str, tuple[str, str]] = {}
        self._read_at = float("-inf")

    def find(self, code: str) -> tuple[str, str] | None:
        age = time.monotonic() - self._read_at
        if age > KEPT_SECONDS or (age > AGAIN_SECONDS and code not in self._places):
            rows = Stock.objects.order_by().values_list("code", "currency", "market__calendar")
            self._places = {one: (currency, calendar) for one, currency, calendar in rows}
            self._read_at = time.monotonic()
        return self._places.get(code)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: str) -> datetime:
    return _EPOCH + int(microseconds) * _MICROSECOND


def _stored(price: Decimal | None) -> Decimal | None:
    """The price as the database rounds it."""
    # Most have as many decimals as there are, which is quicker to see than how many.
    if price is None or price.same_quantum(_LAST_PLACE):
        return price
    if cast(int, price.as_tuple().exponent) >= -PRICE_PLACES:
        return price
    return price.quantize(_LAST_PLACE, rounding=ROUND_HALF_UP)


def _known(word: str) -> str | None:
    return None if word == _UNKNOWN else word


def _decimal(word: str | None) -> Decimal | None:
    return None if word is None else Decimal(word)
