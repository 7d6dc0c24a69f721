"""Providers as one: asked in their order, past those that fail, each answer saying whose it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from typing import Any, Generic, TypeVar, cast

from django.core.signals import setting_changed

from stocks.models import Market
from stocks.providers import registry
from stocks.providers.errors import (
    AllFailed,
    NotFound,
    NotOffered,
    ProviderError,
    QuotaSpent,
    RateLimited,
)
from stocks.providers.mesh.breaker import WHOLE, Breakers, Reading, State, Tally
from stocks.providers.protocol import (
    Capability,
    HasActions,
    HasCompanies,
    HasCrypto,
    HasFx,
    HasFxHistory,
    HasHistory,
    HasNews,
    HasOrderBooks,
    HasQuotes,
    HasStatements,
    ListsStocks,
    Provider,
    Searches,
)
from stocks.providers.tools import utc_now
from stocks.sessions import schedule
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

logger = logging.getLogger(__name__)

T = TypeVar("T")
#: Calls that one question about prices may cost of a provider that answers for one stock at a time.
SINGLE_CALLS = 10
#: How long one question about prices may take in all before the rest goes without an answer.
QUOTES_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value, whose it is, and whether a provider that comes earlier in the order could not give it."""

    value: T
    source: str
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Quoted:
    """Prices by code; why there is none, by code; the codes whose first provider did not answer."""

    ticks: dict[str, Tick] = field(default_factory=dict)
    errors: dict[str, ProviderError] = field(default_factory=dict)
    fallback: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class QuotaReading:
    """Of one rate of a key: calls allowed in so many seconds, and calls that stand in the window."""

    calls: int
    seconds: float
    spent: int


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider does: its place in the order and its breaker per capability, calls, quotas.

    ``whole`` is the breaker of the provider, which a limit or a refused key opens.
    """

    name: str
    whole: Reading
    breakers: Mapping[Capability, Reading]
    places: Mapping[Capability, int]
    tally: Tally
    quotas: Sequence[QuotaReading]

    @property
    def score(self) -> int:
        """0 while the provider is left alone, else the part of its latest calls that succeeded, to 100."""
        return 0 if self.whole.state is State.OPEN else self.tally.score


class Mesh:
    """Every capability of every configured provider.

    Each method asks the providers in the order of its capability. It raises NotOffered where none has the
    capability or covers the stock, NotFound where all of them know that there is nothing, and AllFailed where
    none that might have answered did. An empty answer of one provider is offered to the next.

    Args:
        order: the providers of a capability, first to last.
        now: the clock of breakers.
        calendar_of: the trading calendar of a market, None where the market is unknown.
    """

    def __init__(
        self,
        order: Callable[[Capability], Sequence[Provider]],
        *,
        now: Callable[[], datetime] = utc_now,
        calendar_of: Callable[[str], str | None],
    ) -> None:
        self._order = order
        self._now = now
        self._calendar_of = calendar_of
        self._breakers = Breakers(now)

    def has(self, capability: Capability) -> bool:
        """Whether any configured provider has it."""
        return bool(self._order(capability))

    def covers(self, capability: Capability, key: StockKey) -> bool:
        """Whether any configured provider may be asked about this stock."""
        return any(provider.covers(key) for provider in self._order(capability))

    def first(self, capability: Capability, key: StockKey) -> str | None:
        """The name of the provider that should answer about a stock when all is well."""
        return next((one.name for one in self._order(capability) if one.covers(key)), None)

    def listings(self) -> Answer[Sequence[Listing]]:
        return self._ask(Capability.LISTINGS, None, lambda one: cast(ListsStocks, one).listings())

    def daily_bars(self, key: StockKey, start: date, end: date) -> Answer[Sequence[Bar]]:
        """Bars as traded, of sessions that have ended."""
        answer = self._ask(
            Capability.HISTORY, key, lambda one: cast(HasHistory, one).daily_bars(key, start, end)
        )
        return Answer(self._finished(key, answer.value), answer.source, answer.fallback)

    def actions(self, key: StockKey, start: date, end: date) -> Answer[Sequence[Action]]:
        return self._ask(Capability.ACTIONS, key, lambda one: cast(HasActions, one).actions(key, start, end))

    def statements(self, key: StockKey, start: date, end: date) -> Answer[Sequence[StatementData]]:
        return self._ask(
            Capability.STATEMENTS, key, lambda one: cast(HasStatements, one).statements(key, start, end)
        )

    def order_book(self, key: StockKey) -> Answer[OrderBook]:
        return self._ask(Capability.ORDER_BOOK, key, lambda one: cast(HasOrderBooks, one).order_book(key))

    def company(self, key: StockKey) -> Answer[Company]:
        return self._ask(Capability.COMPANY, key, lambda one: cast(HasCompanies, one).company(key))

    def search(self, text: str) -> Answer[Sequence[Listing]]:
        return self._ask(Capability.SEARCH, None, lambda one: cast(Searches, one).search(text))

    def news(self, key: StockKey | None, since: datetime) -> Answer[Sequence[Article]]:
        return self._ask(Capability.NEWS, key, lambda one: cast(HasNews, one).news(key, since))

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Answer[Sequence[FxRate]]:
        return self._ask(Capability.FX, None, lambda one: cast(HasFx, one).fx_rates(base, quotes))

    def fx_history(self, base: str, quote: str, start: date, end: date) -> Answer[Sequence[FxRate]]:
        able = [one for one in self._order(Capability.FX) if isinstance(one, HasFxHistory)]
        return self._ask_each(
            Capability.FX, able, lambda one: cast(HasFxHistory, one).fx_history(base, quote, start, end)
        )

    def crypto(self, symbol: str, currency: str) -> Answer[CryptoPrice]:
        return self._ask(Capability.CRYPTO, None, lambda one: cast(HasCrypto, one).crypto(symbol, currency))

    def quotes(self, keys: Sequence[StockKey], *, single_calls: int = SINGLE_CALLS) -> Quoted:
        """The latest prices of ``keys``; what one provider does not give is asked of the next.

        A provider that answers for many stocks at once is called once, one that answers for one at a time
        ``single_calls`` times at most, so further keys go without an answer. Raises nothing: why a stock has
        no price stands in ``errors``.
        """
        quoted = Quoted()
        remaining = {key.code: key for key in keys}
        until = time.monotonic() + QUOTES_SECONDS
        for provider in self._order(Capability.QUOTES):
            able = [key for key in remaining.values() if provider.covers(key)]
            if not able:
                continue
            self._quotes_of(cast(HasQuotes, provider), able, single_calls, until, quoted)
            for key in able:
                if key.code in quoted.ticks:
                    del remaining[key.code]
                else:
                    quoted.fallback.add(key.code)
            if not remaining:
                break
        quoted.fallback.intersection_update(quoted.ticks)
        for code in remaining:
            quoted.errors.setdefault(code, NotOffered(f"no provider is asked for prices of {code}"))
        for code in quoted.ticks:
            quoted.errors.pop(code, None)
        return quoted

    def health(self) -> list[ProviderHealth]:
        """How every configured provider does; raises redis.RedisError."""
        known = registry.configured()
        return [self._health_of(provider) for provider in known.values()]

    def close_breaker(self, provider: str, capability: str) -> None:
        """Let the next call through; ``capability`` is ``*`` for the whole provider."""
        self._breakers.close(provider, capability)

    def _quotes_of(
        self,
        provider: HasQuotes,
        keys: Sequence[StockKey],
        single_calls: int,
        until: float,
        quoted: Quoted,
    ) -> None:
        batch = provider.quote_batch
        calls = single_calls if batch == 1 else 1
        for start in range(0, len(keys), batch):
            part = keys[start : start + batch]
            asked = {key.code for key in part}
            error: ProviderError
            if calls == 0 or time.monotonic() > until:
                error = QuotaSpent(f"{provider.name}: not asked for so many at once")
            else:
                calls -= 1
                try:
                    ticks = self._call(provider, Capability.QUOTES, partial(provider.quotes, part))
                except ProviderError as failure:
                    error = failure
                    # What it could not do for these it will not do for the next.
                    calls = 0
                else:
                    quoted.ticks.update({tick.code: tick for tick in ticks if tick.code in asked})
                    error = NotFound(f"{provider.name} has no price")
            for code in asked - quoted.ticks.keys():
                # A failure says more than that another provider has nothing.
                if not isinstance(error, NotFound) or code not in quoted.errors:
                    quoted.errors[code] = error

    def _ask(self, capability: Capability, key: StockKey | None, call: Callable[[Provider], T]) -> Answer[T]:
        able = [one for one in self._order(capability) if key is None or one.covers(key)]
        return self._ask_each(capability, able, call)

    def _ask_each(
        self, capability: Capability, able: Sequence[Provider], call: Callable[[Provider], T]
    ) -> Answer[T]:
        if not able:
            raise NotOffered(f"no provider is asked for {capability}")
        errors: dict[str, ProviderError] = {}
        nothing: Answer[T] | None = None
        missing: NotFound | None = None
        for place, provider in enumerate(able):
            try:
                value = self._call(provider, capability, partial(call, provider))
            except NotFound as error:
                missing = error
            except ProviderError as error:
                errors[provider.name] = error
            else:
                answer = Answer(value, provider.name, fallback=place > 0)
                if not isinstance(value, Sequence) or value:
                    return answer
                nothing = nothing or answer
        if errors:
            raise AllFailed(errors)
        if nothing is not None:
            return nothing
        raise missing or NotFound("nobody has it")

    def _call(self, provider: Provider, capability: Capability, call: Callable[[], T]) -> T:
        """One call past the breaker, which is told how it went."""
        admission = self._breakers.admit(provider.name, capability)
        if not admission.granted:
            raise RateLimited(f"{provider.name}: left alone for now", retry_after=admission.wait)
        began = time.monotonic()
        try:
            value = call()
        except QuotaSpent:
            if admission.state is State.PROBE:
                self._breakers.release(provider.name, capability)
            raise
        except ProviderError as error:
            self._breakers.failed(provider.name, capability, error, time.monotonic() - began)
            if not isinstance(error, NotFound):
                logger.warning("%s of %s: %s", capability, provider.name, error.message)
            raise
        self._breakers.succeeded(provider.name, capability, time.monotonic() - began)
        return value

    def _finished(self, key: StockKey, bars: Iterable[Bar]) -> list[Bar]:
        calendar = self._calendar_of(key.market)
        if calendar is None:
            return list(bars)
        sessions, now = schedule(calendar), self._now()
        return [bar for bar in bars if sessions.close_of(bar.date) <= now]

    def _health_of(self, provider: Provider) -> ProviderHealth:
        places = {
            capability: names.index(provider.name)
            for capability in Capability
            if provider.name in (names := [one.name for one in self._order(capability)])
        }
        return ProviderHealth(
            name=provider.name,
            whole=self._breakers.reading(provider.name, WHOLE),
            breakers={one: self._breakers.reading(provider.name, one) for one in places},
            places=places,
            tally=self._breakers.tally(provider.name),
            quotas=[
                QuotaReading(rate.calls, rate.seconds, spent)
                for quota in registry.quotas_of(provider.name)
                for rate, spent in zip(quota.rates, quota.spent(), strict=True)
            ],
        )


@cache
def mesh() -> Mesh:
    """The mesh of this process, of the providers that the settings name."""
    return Mesh(registry.order, calendar_of=_calendars().get)


@cache
def _calendars() -> dict[str, Any]:
    return dict(Market.objects.values_list("code", "calendar"))


def _forget(**_: object) -> None:
    mesh.cache_clear()
    _calendars.cache_clear()


setting_changed.connect(_forget)
