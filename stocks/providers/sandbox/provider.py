"""The sandbox behind the seam that every provider stands behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from stocks.providers.errors import NotFound
from stocks.providers.protocol import Update
from stocks.providers.sandbox import actions, crypto, events, fx, news, profiles, sessions, statements
from stocks.providers.sandbox.bars import bars
from stocks.providers.sandbox.books import order_book, usual_level
from stocks.providers.sandbox.chance import SEED, generator
from stocks.providers.sandbox.closes import closing_ticks
from stocks.providers.sandbox.day import day
from stocks.providers.sandbox.pulse import STEP, Pulse
from stocks.providers.sandbox.universe import Instrument, by_calendar, instruments
from stocks.providers.sandbox.venues import price
from stocks.types import (
    Action,
    Article,
    Bar,
    Company,
    CryptoPrice,
    FxRate,
    Listing,
    OrderBook,
    StatementData,
    StockKey,
    Tick,
)

NAME = "sandbox"
_FOUND = 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """An invented market that is the same for everyone with the same seed on the same day.

    Implements every capability of the protocol. Codes that it does not list have no bars, actions,
    statements, quotes or news; an order book or a company of one raises NotFound.

    Args:
        seed: which of the invented markets.
        stocks_per_market: at most this many, but always the well-known ones; None: all.
        last_ticks: read once when the stream begins, so that it goes on from the prices seen last.
        now: the clock.
    """

    name = NAME
    quote_batch: ClassVar[int] = 500
    registrations: ClassVar[int | None] = None

    def __init__(
        self,
        *,
        seed: int = SEED,
        stocks_per_market: int | None = None,
        last_ticks: Callable[[], Mapping[str, Tick]] = dict,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.seed = seed
        self._all = instruments(seed, stocks_per_market)
        self._last_ticks = last_ticks
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return key.code in self._all

    @property
    def universe(self) -> Sequence[Instrument]:
        """Every instrument, also those that come to the market later."""
        return list(self._all.values())

    def listings(self) -> Sequence[Listing]:
        return [self._listing(one) for one in self._all.values() if self._has_traded(one)]

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        instrument = self._all.get(key.code)
        if instrument is None:
            return []
        end = min(end, sessions.last_finished(instrument.venue.calendar, self._now()))
        return [
            Bar(
                date=block.days[at].astype(date),
                open=None if halted else price(int(block.open[0, at]), instrument.digits),
                high=None if halted else price(int(block.high[0, at]), instrument.digits),
                low=None if halted else price(int(block.low[0, at]), instrument.digits),
                close=price(int(block.close[0, at]), instrument.digits),
                volume=int(block.volume[0, at]),
            )
            for block in bars(self.seed, [instrument], start, end)
            for at, (listed, halted) in enumerate(zip(block.listed[0], block.halted[0], strict=True))
            if listed
        ]

    def actions(self, key: StockKey, start: date, end: date) -> Sequence[Action]:
        instrument = self._all.get(key.code)
        if instrument is None:
            return []
        end = min(end, sessions.last_finished(instrument.venue.calendar, self._now()))
        return actions.actions(self.seed, instrument, start, end)

    def statements(self, key: StockKey, start: date, end: date) -> Sequence[StatementData]:
        instrument = self._all.get(key.code)
        if instrument is None:
            return []
        end = min(end, sessions.local_date(instrument.venue.calendar, self._now()))
        return statements.statements(self.seed, instrument, start, end)

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        """The close of the last finished session, as of its closing time."""
        codes = dict.fromkeys(key.code for key in keys)
        wanted = [self._all[code] for code in codes if code in self._all]
        now = self._now()
        return [
            tick
            for calendar, members in by_calendar(wanted)
            for tick in closing_ticks(
                self.seed, members, sessions.last_finished(calendar, now), received_at=now, source=NAME
            )
        ]

    def order_book(self, key: StockKey) -> OrderBook:
        instrument = self._all.get(key.code)
        if instrument is None:
            raise NotFound(f"the sandbox has no {key.code}")
        now = self._now()
        today = day(self.seed, [instrument], sessions.local_date(instrument.venue.calendar, now))
        return order_book(
            instrument,
            int(instrument.ladder.nearest(today.heading(now))[0]),
            (int(today.lowest[0]), int(today.highest[0])),
            usual_level(float(today.volume[0])),
            generator(self.seed, key.code, "book", int(now.timestamp())),
            as_of=now,
            seq=0,
            source=NAME,
        )

    def company(self, key: StockKey) -> Company:
        instrument = self._all.get(key.code)
        if instrument is None or not self._has_traded(instrument):
            raise NotFound(f"the sandbox has no {key.code}")
        return profiles.profile(
            self.seed, instrument, self._listing(instrument), now=self._now(), source=NAME
        )

    def search(self, text: str) -> Sequence[Listing]:
        """Stocks whose code begins with ``text`` or whose name holds it, twenty at most."""
        wanted = text.strip().casefold()
        ranked = [
            (rank, one.code, one)
            for one in self._all.values()
            if (rank := _closeness(one, wanted)) is not None and self._has_traded(one)
        ]
        return [self._listing(one) for _, _, one in sorted(ranked, key=lambda row: row[:2])[:_FOUND]]

    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        now = self._now()
        if key is None:
            return news.of_markets(self.seed, since, now=now, source=NAME)
        instrument = self._all.get(key.code)
        if instrument is None:
            return []
        return news.of_stock(self.seed, instrument, since, now=now, source=NAME)

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        now = self._now()
        return list(fx.rates(self.seed, base, quotes, now=now, source=NAME, received_at=now))

    def fx_history(self, base: str, quote: str, start: date, end: date) -> Sequence[FxRate]:
        return list(fx.history(self.seed, base, quote, start, end, now=self._now(), source=NAME))

    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        return crypto.crypto(self.seed, symbol, currency, now=self._now(), source=NAME)

    def stream(self, wanted: Callable[[], Sequence[StockKey]] = list) -> Iterator[Update]:
        """Ten updates a second, day and night: about 160 ticks and 28 order books a second, of all stocks.

        Every well-known stock has a tick each second and an order book every two; the others share a hundred
        ticks a second. ``seq`` rises with every tick and book, also across restarts.
        """
        pulses = self._pulses()
        others = sum(pulse.others for pulse in pulses) or 1
        seq = 0
        due = time.monotonic()
        while True:
            now = self._now()
            # Microseconds since 1970 go on rising when the process starts again.
            seq = max(seq + 1, int(now.timestamp() * 1_000_000))
            beats = []
            for pulse in pulses:
                beats.append(pulse.beat(now, pulse.others / others, seq))
                seq += len(beats[-1].ticks) + len(beats[-1].books)
            yield Update(
                ticks=tuple(tick for beat in beats for tick in beat.ticks),
                books=tuple(book for beat in beats for book in beat.books),
            )
            # Beats that were missed, for example while the machine slept, are not made up for.
            due = max(due + STEP, time.monotonic())
            time.sleep(max(due - time.monotonic(), 0.0))

    def _pulses(self) -> list[Pulse]:
        last_ticks = self._last_ticks()
        now = self._now()
        pulses = []
        for _, members in by_calendar(self._all.values()):
            pulse = Pulse(self.seed, members, NAME)
            pulse.resume(last_ticks, now)
            pulses.append(pulse)
        return pulses

    def _has_traded(self, instrument: Instrument) -> bool:
        if instrument.listed_on is None:
            return True
        return instrument.listed_on <= sessions.last_finished(instrument.venue.calendar, self._now())

    def _listing(self, instrument: Instrument) -> Listing:
        through = sessions.last_finished(instrument.venue.calendar, self._now())
        factor = events.factor_on(events.splits(self.seed, instrument, through), through)
        shares = int(instrument.shares * factor)
        return instrument.listing(shares or None)


def _closeness(instrument: Instrument, wanted: str) -> int | None:
    """How well an instrument fits a text in small letters, 0 the best; None where it does not."""
    code, name = instrument.code.casefold(), instrument.name.casefold()
    fits = (code == wanted, code.startswith(wanted), name.startswith(wanted), wanted in name)
    return next((rank for rank, is_so in enumerate(fits) if is_so), None) if wanted else None
