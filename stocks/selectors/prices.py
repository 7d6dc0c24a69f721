"""What stocks are worth now: the latest quote, or the last bar where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from django.db import connection

from stocks.adjust import adjustment_factors
from stocks.figures import percent_change, ratio, rounded
from stocks.history import PRICE_PLACES
from stocks.models import CorporateAction, Quote, Stock
from stocks.sessions import FRESH_FOR, schedule
from stocks.types import Action, ActionKind, Bar

#: The invented market trades around the clock, so its quotes are always of an open session.
SANDBOX = "sandbox"

# For each stock the two newest rows come from the partitions' own order, without a sort of its history.
_LAST_TWO = """
SELECT wanted.id, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source
FROM unnest(%s::int[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT date, open, high, low, close, volume, source
    FROM stocks_dailybar WHERE stock_id = wanted.id ORDER BY date DESC LIMIT 2
) AS bar
ORDER BY wanted.id, bar.date DESC
"""


@dataclass(frozen=True, slots=True)
class LastSession:
    """The last bar of a stock, and the close before it on the same share basis (None for a first bar)."""

    bar: Bar
    source: str
    previous_close: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return None if self.previous_close is None else self.bar.close - self.previous_close

    @property
    def change_pct(self) -> Decimal | None:
        return percent_change(self.bar.close, self.previous_close)


@dataclass(frozen=True, slots=True)
class LatestPrice:
    """The newest price of a stock and the day it belongs to.

    ``basis`` is ``quote`` for a traded price and ``close`` for the close of the last bar, of which nobody
    knows when it was received. ``stale`` says that the market has traded on since (see ``stocks.sessions``).
    """

    price: Decimal
    previous_close: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: int | None
    as_of: datetime
    received_at: datetime | None
    source: str
    basis: Literal["quote", "close"]
    stale: bool

    @property
    def change(self) -> Decimal | None:
        return None if self.previous_close is None else self.price - self.previous_close

    @property
    def change_pct(self) -> Decimal | None:
        return percent_change(self.price, self.previous_close)

    @property
    def delay_s(self) -> Decimal | None:
        """Seconds from the trade to its arrival here."""
        if self.received_at is None:
            return None
        return rounded(Decimal(str((self.received_at - self.as_of).total_seconds())), 3)


def last_sessions(stock_ids: Sequence[int]) -> dict[int, LastSession]:
    """The last session of each stock that has bars, in two queries for any number of them."""
    newest: dict[int, tuple[Bar, str]] = {}
    before: dict[int, Bar] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_TWO, [list(stock_ids)])
        for stock_id, *values, source in cursor.fetchall():
            bar = Bar(*values)
            if stock_id in newest:
                before[stock_id] = bar
            else:
                newest[stock_id] = (bar, source)
    splits = _splits_between(before, newest)
    return {
        stock_id: LastSession(
            bar=bar,
            source=source,
            previous_close=_on_basis_of(bar.date, before.get(stock_id), splits.get(stock_id, [])),
        )
        for stock_id, (bar, source) in newest.items()
    }


def latest_prices(stocks: Sequence[Stock], *, now: datetime) -> dict[int, LatestPrice]:
    """The latest price of each stock that has one, by stock id; the stocks come with market and quote.

    At most two queries for any number of stocks.
    """
    quoted = {stock.id: stock.quote for stock in stocks if hasattr(stock, "quote")}
    bare = [stock.id for stock in stocks if stock.id not in quoted]
    sessions = last_sessions(bare) if bare else {}
    prices: dict[int, LatestPrice] = {}
    for stock in stocks:
        if stock.id in quoted:
            prices[stock.id] = _of_quote(stock, quoted[stock.id], now)
        elif stock.id in sessions:
            prices[stock.id] = of_session(stock, sessions[stock.id], now)
    return prices


def of_session(stock: Stock, session: LastSession, now: datetime) -> LatestPrice:
    """The close of a stock's last bar as its price."""
    as_of = schedule(stock.market.calendar).close_of(session.bar.date)
    return LatestPrice(
        price=session.bar.close,
        previous_close=session.previous_close,
        open=session.bar.open,
        high=session.bar.high,
        low=session.bar.low,
        volume=session.bar.volume,
        as_of=as_of,
        received_at=None,
        source=session.source,
        basis="close",
        stale=is_stale(stock.market.calendar, session.source, as_of, now),
    )


def _of_quote(stock: Stock, quote: Quote, now: datetime) -> LatestPrice:
    return LatestPrice(
        price=quote.price,
        previous_close=quote.previous_close,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        volume=quote.volume,
        as_of=quote.as_of,
        received_at=quote.received_at,
        source=quote.source,
        basis="quote",
        stale=is_stale(stock.market.calendar, quote.source, quote.as_of, now),
    )


def is_stale(calendar: str, source: str, as_of: datetime, now: datetime) -> bool:
    """Whether the market has traded on since a price of ``as_of``; ``calendar`` is that of its market."""
    since = fresh_since(calendar, source, now)
    return since is not None and as_of < since


def fresh_since(calendar: str, source: str, now: datetime) -> datetime | None:
    """The oldest time of a price of ``source`` that is not stale; None where none is."""
    return now - FRESH_FOR if source == SANDBOX else schedule(calendar).fresh_since(now)


def _splits_between(before: dict[int, Bar], newest: dict[int, tuple[Bar, str]]) -> dict[int, list[Action]]:
    """The actions with a ratio that became effective after the bar before and up to the newest, by stock."""
    if not before:
        return {}
    actions = CorporateAction.objects.filter(
        stock_id__in=list(before),
        ratio__isnull=False,
        ex_date__gt=min(bar.date for bar in before.values()),
    ).order_by()
    found: dict[int, list[Action]] = {}
    for stock_id, kind, ex_date, factor in actions.values_list("stock_id", "kind", "ex_date", "ratio"):
        if before[stock_id].date < ex_date <= newest[stock_id][0].date:
            found.setdefault(stock_id, []).append(Action(ActionKind(kind), ex_date, ratio=factor))
    return found


def _on_basis_of(day: date, before: Bar | None, splits: Sequence[Action]) -> Decimal | None:
    if before is None:
        return None
    (factor,) = adjustment_factors([before.date], splits, through=day)
    return before.close if factor == 1 else rounded(ratio(before.close, factor), PRICE_PLACES)
