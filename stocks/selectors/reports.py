"""What providers told beside prices, as it is stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Prefetch, Q

from stocks.models import CompanyProfile, CryptoQuote, NewsArticle, Stock
from stocks.rates import Pair
from stocks.types import FxRate

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The newest row of each pair comes from the unique index, however many years of rates there are.
_LATEST = """
SELECT wanted.base, wanted.quote, found.rate, found.as_of, found.received_at, found.source
FROM unnest(%s::text[], %s::text[]) AS wanted(base, quote)
CROSS JOIN LATERAL (
    SELECT rate, as_of, received_at, source FROM stocks_fxrate AS fx
    WHERE fx.base = wanted.base AND fx.quote = wanted.quote AND fx.date BETWEEN %s AND %s
    ORDER BY fx.date DESC LIMIT 1
) AS found
"""
# Of years of rates, times come as microseconds, which are read several times as fast.
_BETWEEN = """
SELECT fx.base, fx.quote, fx.rate, (extract(epoch FROM fx.as_of) * 1000000)::bigint,
       (extract(epoch FROM fx.received_at) * 1000000)::bigint, fx.source
FROM unnest(%s::text[], %s::text[]) AS wanted(base, quote)
JOIN stocks_fxrate AS fx ON fx.base = wanted.base AND fx.quote = wanted.quote
WHERE fx.date BETWEEN %s AND %s
ORDER BY fx.base, fx.quote, fx.date
"""
# One step of the index per currency, in place of a look at every day.
_QUOTES_OF = """
WITH RECURSIVE step AS (
    (SELECT quote FROM stocks_fxrate WHERE base = %(base)s ORDER BY quote LIMIT 1)
    UNION ALL
    SELECT (SELECT quote FROM stocks_fxrate WHERE base = %(base)s AND quote > step.quote
            ORDER BY quote LIMIT 1)
    FROM step WHERE step.quote IS NOT NULL
)
SELECT quote FROM step WHERE quote IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list of news that runs from the newest article to the oldest: just after this one."""

    published_at: datetime
    id: int


def stored_profile(stock: Stock) -> CompanyProfile | None:
    return CompanyProfile.objects.filter(stock_id=stock.id).first()


def has_news(stock: Stock | None) -> bool:
    """Whether any article about the stock is stored; any at all where it is None."""
    articles = NewsArticle.objects.order_by()
    return (articles if stock is None else articles.filter(stocks=stock)).exists()


def stored_news(
    stock: Stock | None, *, since: datetime | None, after: Place | None, limit: int
) -> list[NewsArticle]:
    """Articles about the stock, or all of them where it is None, the newest first, in two queries.

    Each comes with its stocks, of which only id and code are read.
    """
    articles = NewsArticle.objects.order_by("-published_at", "-id")
    if stock is not None:
        articles = articles.filter(stocks=stock)
    if since is not None:
        articles = articles.filter(published_at__gte=since)
    if after is not None:
        # The first condition alone lets the index begin at the right place.
        articles = articles.filter(
            Q(published_at__lte=after.published_at),
            Q(published_at__lt=after.published_at) | Q(id__lt=after.id),
        )
    codes = Stock.objects.only("id", "code").order_by("code")
    return list(articles.prefetch_related(Prefetch("stocks", queryset=codes))[:limit])


def stored_rates(pairs: Collection[Pair], *, first: date, last: date) -> dict[Pair, FxRate]:
    """The newest rate of each pair that has one from ``first`` to ``last`` inclusive, in one query."""
    wanted = sorted(set(pairs))
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [[base for base, _ in wanted], [quote for _, quote in wanted], first, last])
        return {(row[0], row[1]): FxRate(*row) for row in cursor.fetchall()}


def rates_between(pairs: Collection[Pair], *, first: date, last: date) -> dict[Pair, list[FxRate]]:
    """The rates of each pair that has any from ``first`` to ``last`` inclusive, oldest first; one query."""
    wanted = sorted(set(pairs))
    found: dict[Pair, list[FxRate]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN, [[base for base, _ in wanted], [quote for _, quote in wanted], first, last])
        for base, quote, rate, as_of, received_at, source in cursor.fetchall():
            one = FxRate(base, quote, rate, _moment(as_of), _moment(received_at), source)
            found.setdefault((base, quote), []).append(one)
    return found


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def stored_quotes_of(base: str) -> list[str]:
    """The currencies that a rate of ``base`` is stored in, of whatever day."""
    with connection.cursor() as cursor:
        cursor.execute(_QUOTES_OF, {"base": base})
        return [quote for (quote,) in cursor.fetchall()]


def stored_coin(symbol: str, currency: str) -> CryptoQuote | None:
    return CryptoQuote.objects.filter(symbol=symbol, currency=currency).first()
