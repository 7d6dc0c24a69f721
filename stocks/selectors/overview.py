"""What an overview of markets is made of: the last bars, quotes, splits and ranges of every listed stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Func, Q

from stocks.models import CorporateAction, Market, Stock
from stocks.overview import DayBar, Figure, Overview, SeenQuote, Standing, YearRange, last_session, overview
from stocks.selectors.listing import ALL_MARKETS
from stocks.selectors.prices import SANDBOX, is_stale
from stocks.sessions import Schedule, schedule
from stocks.types import Action, ActionKind

# For each stock the newest rows come from the partitions' own order, without a sort of its history.
_LAST_BARS = """
SELECT wanted.id, bar.date, bar.high, bar.low, bar.close, bar.volume, bar.source
FROM unnest(%s::int[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT date, high, low, close, volume, source
    FROM stocks_dailybar WHERE stock_id = wanted.id ORDER BY date DESC LIMIT %s
) AS bar
"""
_QUOTE = ("price", "previous_close", "high", "low", "volume", "source")
_YEAR = ("date", "market_cap", "high_52w", "low_52w")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Micros(Func):
    """A time as microseconds since 1970: thousands of texts with a zone take longer to read than to query."""

    template = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()


@dataclass(frozen=True, slots=True)
class MarketOverview:
    """A market and its last session.

    ``running`` says that the session goes on at ``now``; ``as_of`` is the time of the newest price; ``stale``
    says that the market has traded on since. ``skipped`` counts the sessions that the calendar lists between
    this one and the one that changes are from: their bars are not on file.
    """

    market: Market
    overview: Overview
    running: bool
    stale: bool
    as_of: datetime | None
    skipped: int
    now: datetime

    @property
    def closed_at(self) -> datetime | None:
        """When the session ended or will end: the time of every price that is a close."""
        session = self.overview.session
        return None if session is None else schedule(self.market.calendar).close_of(session)

    def is_stale(self, figure: Figure) -> bool:
        """Whether the market has traded on since the price."""
        if figure.as_of is None:
            return self.stale
        return is_stale(self.market.calendar, figure.source, figure.as_of, self.now)


def market_overviews(market: str, *, now: datetime) -> list[MarketOverview]:
    """The overview of one market, or of every market that lists a stock where ``market`` is ALL, by code.

    Counted are the listed equities: an index or a fund would count its members twice. Four queries, for any
    number of markets and stocks, and two more where some stocks are ahead of their market's session.
    """
    wanted = Q() if market == ALL_MARKETS else Q(code=market)
    markets = {one.code: one for one in Market.objects.filter(wanted)}
    standings = _standings(markets)
    sessions = {code: last_session(stocks.values()) for code, stocks in standings.items()}
    _read_on(standings, sessions)
    return [
        _of_market(markets[code], list(stocks.values()), sessions[code], now)
        for code, stocks in standings.items()
        if stocks or market != ALL_MARKETS
    ]


def _of_market(
    market: Market, stocks: Sequence[Standing], session: date | None, now: datetime
) -> MarketOverview:
    hours = schedule(market.calendar)
    listed_before = None if session is None else hours.session_before(session)
    found = overview(stocks, session=session, listed_before=listed_before, currency=market.currency)
    ends = None if session is None else hours.close_of(session)
    running = session is not None and ends is not None and hours.session_of(now) == session and now <= ends
    as_of = found.as_of
    if found.closes and ends is not None:
        as_of = ends if as_of is None else max(as_of, ends)
    return MarketOverview(
        market=market,
        overview=found,
        running=running,
        stale=as_of is None or hours.is_stale(as_of, now),
        as_of=as_of,
        skipped=_skipped(hours, found),
        now=now,
    )


def _skipped(hours: Schedule, found: Overview) -> int:
    if found.session is None or found.before is None:
        return 0
    return sum(found.before < day < found.session for day in hours.sessions(found.before, found.session))


def _standings(markets: Mapping[str, Market]) -> dict[str, dict[int, Standing]]:
    """The listed equities of each market, by id, with their last two bars."""
    rows = (
        Stock.objects.filter(market_id__in=list(markets), is_active=True, kind=Stock.Kind.EQUITY)
        .order_by()
        .values_list(
            *("id", "market_id", "code", "name", "sector", "currency"),
            *(f"quote__{name}" for name in _QUOTE),
            *(f"indicators__{name}" for name in _YEAR),
            _Micros("quote__as_of"),
            _Micros("quote__received_at"),
        )
    )
    stocks = list(rows)
    bars = _last_bars([row[0] for row in stocks], 2)
    splits = _splits_since(bars)
    hours = {code: schedule(market.calendar) for code, market in markets.items()}
    found: dict[str, dict[int, Standing]] = {code: {} for code in markets}
    for stock_id, market, code, name, sector, currency, *rest in stocks:
        quote, year, times = rest[: len(_QUOTE)], rest[len(_QUOTE) : -2], rest[-2:]
        found[market][stock_id] = Standing(
            code=code,
            name=name,
            sector=sector,
            currency=currency,
            bars=bars.get(stock_id, ()),
            quote=None if quote[0] is None else _seen(quote, times, hours[market]),
            splits=splits.get(stock_id, ()),
            year=None if year[0] is None else YearRange(*year),
        )
    return found


def _read_on(standings: Mapping[str, dict[int, Standing]], sessions: Mapping[str, date | None]) -> None:
    """Give the stocks whose last bar is newer than the session a third, so that it has one before it too."""
    ahead = {
        stock_id: market
        for market, stocks in standings.items()
        if (session := sessions[market]) is not None
        for stock_id, one in stocks.items()
        if one.bars and one.bars[0].date > session
    }
    if not ahead:
        return
    bars = _last_bars(list(ahead), 3)
    splits = _splits_since(bars)
    for stock_id, market in ahead.items():
        one = standings[market][stock_id]
        standings[market][stock_id] = one._replace(bars=bars[stock_id], splits=splits.get(stock_id, ()))


def _seen(quote: Sequence[Any], times: Sequence[int], hours: Schedule) -> SeenQuote:
    price, previous_close, high, low, volume, source = quote
    as_of, received_at = (_EPOCH + micros * _MICROSECOND for micros in times)
    session = hours.session_of(as_of)
    # The sandbox trades at night and on holidays as well, from a previous close that is not this session's.
    if source == SANDBOX and as_of.astimezone(hours.timezone).date() != session:
        session = None
    return SeenQuote(session, price, previous_close, high, low, volume, as_of, received_at, source)


def _last_bars(stock_ids: Sequence[int], count: int) -> dict[int, list[DayBar]]:
    """The last ``count`` bars of each stock that has any, newest first."""
    bars: dict[int, list[DayBar]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_BARS, [list(stock_ids), count])
        for stock_id, *row in cursor.fetchall():
            bars.setdefault(stock_id, []).append(DayBar(*row))
    for rows in bars.values():
        rows.sort(key=_date, reverse=True)
    return bars


def _date(bar: DayBar) -> date:
    return bar.date


def _splits_since(bars: dict[int, list[DayBar]]) -> dict[int, list[Action]]:
    """The actions with a ratio that took effect after the oldest of a stock's bars."""
    oldest = min((rows[-1].date for rows in bars.values()), default=date.max)
    actions = CorporateAction.objects.filter(ratio__isnull=False, ex_date__gt=oldest).order_by()
    found: dict[int, list[Action]] = {}
    for stock_id, kind, ex_date, factor in actions.values_list("stock_id", "kind", "ex_date", "ratio"):
        if stock_id in bars and ex_date > bars[stock_id][-1].date:
            found.setdefault(stock_id, []).append(Action(ActionKind(kind), ex_date, ratio=factor))
    return found
