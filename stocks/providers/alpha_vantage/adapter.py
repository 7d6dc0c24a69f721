"""Alpha Vantage behind the seam of providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, ParamSpec

from stocks.providers import us
from stocks.providers.alpha_vantage.client import Client
from stocks.providers.alpha_vantage.parse import company, money, news, prices, statements
from stocks.providers.alpha_vantage.symbols import symbol_of
from stocks.providers.errors import NotFound
from stocks.sessions import Schedule, schedule
from stocks.types import (
    Action,
    Article,
    Bar,
    Company,
    CryptoPrice,
    FxRate,
    Listing,
    StatementData,
    StockKey,
    Tick,
)

NAME = "alpha_vantage"
Asked = ParamSpec("Asked")


class AlphaVantage:
    """US stocks; every question costs a call or more of the 25 that a free key has a day.

    A quote, the bars, a company, a search, the news and a rate cost one call each, the actions two and the
    statements three. Bars reach back 100 sessions: of older days there are none.

    Args:
        client: makes the calls.
        now: the clock.
    """

    name = NAME
    quote_batch: ClassVar[int] = 1

    def __init__(self, client: Client, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return us.covers(key)

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        """As the protocol says; an answer that cannot be true is Malformed, as it is about the only key."""
        return [tick for key in keys if self.covers(key) and (tick := self._quote(key))]

    def _quote(self, key: StockKey) -> Tick | None:
        answer = _or_nothing(self._client.global_quote, symbol_of(key.code))
        return prices.tick(answer, key.code, now=self._now(), sessions=_sessions(), source=NAME)

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        """As the protocol says, of the latest 100 sessions; of older ones there are none."""
        if not self.covers(key):
            return []
        answer = _or_nothing(self._client.daily, symbol_of(key.code))
        return prices.bars(answer, key.code, start, end, now=self._now(), sessions=_sessions())

    def actions(self, key: StockKey, start: date, end: date) -> Sequence[Action]:
        """As the protocol says; dividends are in US dollars, in which these stocks pay."""
        if not self.covers(key):
            return []
        symbol = symbol_of(key.code)
        splits = prices.splits(_or_nothing(self._client.splits, symbol), key.code, start, end)
        paid = _or_nothing(self._client.dividends, symbol)
        dividends = prices.dividends(paid, key.code, start, end, us.CURRENCY)
        return sorted([*splits, *dividends], key=lambda action: (action.ex_date, action.kind))

    def statements(self, key: StockKey, start: date, end: date) -> Sequence[StatementData]:
        """As the protocol says; ``filed_on`` is the latest day it can have been, see ``parse.statements``."""
        if not self.covers(key):
            return []
        symbol = symbol_of(key.code)
        income = _or_nothing(self._client.income_statement, symbol)
        if not statements.has_reports(income, key.code):
            return []
        balance = _or_nothing(self._client.balance_sheet, symbol)
        cash = _or_nothing(self._client.cash_flow, symbol)
        today = self._now().astimezone(_sessions().timezone).date()
        return statements.statements([income, balance, cash], key.code, start, min(end, today))

    def company(self, key: StockKey) -> Company:
        if not self.covers(key):
            raise NotFound(f"alpha_vantage has no {key.code}")
        answer = self._client.overview(symbol_of(key.code))
        return company.company(answer, key, now=self._now(), source=NAME)

    def search(self, text: str) -> Sequence[Listing]:
        return company.found(_or_nothing(self._client.symbol_search, text))

    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        if key is not None and not self.covers(key):
            return []
        code = key.code if key else None
        answer = _or_nothing(self._client.news, symbol_of(code) if code else None, since)
        return news.articles(answer, code, since, now=self._now(), source=NAME)

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        """As the protocol says, at a call for each of ``quotes``."""
        rates = [(quote, self._rate(base, quote)) for quote in quotes]
        return [FxRate(base, quote, *found, self._now(), NAME) for quote, found in rates if found]

    def fx_history(self, base: str, quote: str, start: date, end: date) -> Sequence[FxRate]:
        """As the protocol says, of the latest 100 days."""
        answer = _or_nothing(self._client.fx_daily, base, quote)
        return money.daily_rates(answer, base, quote, start, end, now=self._now(), source=NAME)

    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        """The latest price alone: they tell nothing of the last 24 hours with it."""
        if (found := self._rate(symbol, currency)) is None:
            raise NotFound(f"alpha_vantage has no {symbol} in {currency}")
        return CryptoPrice(symbol, currency, *found, self._now(), NAME)

    def _rate(self, base: str, quote: str) -> money.Rate | None:
        answer = _or_nothing(self._client.exchange_rate, base, quote)
        return money.rate(answer, base, quote, now=self._now())


def _or_nothing(
    call: Callable[Asked, Mapping[str, Any]], *args: Asked.args, **kwargs: Asked.kwargs
) -> Mapping[str, Any]:
    """The answer, empty where they know no such thing, as some of their functions say it themselves."""
    try:
        return call(*args, **kwargs)
    except NotFound:
        return {}


def _sessions() -> Schedule:
    return schedule(us.CALENDAR)
