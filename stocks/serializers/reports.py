"""What providers tell beside prices: companies, news, exchange rates, coins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from stocks.figures import percent_change, rounded
from stocks.models import NewsArticle
from stocks.rates import Rate
from stocks.serializers.fields import maybe, number
from stocks.serializers.report_queries import cursor
from stocks.services.companies import CompanyReport
from stocks.services.crypto import CryptoReport
from stocks.services.fx import Forex
from stocks.services.news import NewsPage


class Origin(serializers.Serializer[Any]):
    """Where a value comes from and how old it is."""

    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    as_of = serializers.DateTimeField(allow_null=True, help_text="When it was so, as the source says.")
    received_at = serializers.DateTimeField()
    delay_s = maybe(help_text="Seconds from as_of to received_at.")
    stale = serializers.BooleanField(help_text="It is older than it should be.")


class CompanyReply(Origin):
    """A company; what nobody told is null."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    market = serializers.CharField()
    currency = serializers.CharField()
    sector = serializers.CharField(allow_null=True)
    industry = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)
    isin = serializers.CharField(allow_null=True)
    listed_on = serializers.DateField(allow_null=True)
    shares_outstanding = serializers.IntegerField(allow_null=True)
    market_cap = maybe(help_text="In whole units of the stock's currency.")
    employees = serializers.IntegerField(allow_null=True)
    website = serializers.CharField(allow_null=True)
    logo = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)


class ArticleReply(Origin):
    id = serializers.IntegerField()
    title = serializers.CharField(help_text="Plain text.")
    summary = serializers.CharField(allow_null=True, help_text="Plain text.")
    url = serializers.CharField(help_text="An http(s) address.")
    image = serializers.CharField(allow_null=True)
    publisher = serializers.CharField(allow_null=True)
    published_at = serializers.DateTimeField()
    symbols = serializers.ListField(child=serializers.CharField(), help_text="Listed stocks it is about.")


class NewsReply(serializers.Serializer[Any]):
    symbol = serializers.CharField(allow_null=True)
    news = ArticleReply(many=True, help_text="Newest first.")
    next_cursor = serializers.CharField(allow_null=True, help_text="null after the last page.")
    refreshed_at = serializers.DateTimeField(
        allow_null=True, help_text="When a provider was asked last; null where none can be."
    )
    stale = serializers.BooleanField(help_text="There may be newer articles.")


class RateReply(serializers.Serializer[Any]):
    """A rate; of one that is unknown everything but ``derived`` and ``stale`` is null."""

    rate = maybe(help_text="Units of this currency for one of the base.")
    derived = serializers.BooleanField(
        help_text="Worked out of other rates: an inverse, or a cross through a common currency."
    )
    source = serializers.CharField(allow_null=True, help_text="With commas between several.")  # type: ignore[assignment]  # DRF takes it off
    as_of = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)
    delay_s = maybe()
    stale = serializers.BooleanField(help_text="Older than an hour, or of a day before the one asked for.")


class ForexReply(serializers.Serializer[Any]):
    base = serializers.CharField()
    date = serializers.DateField(allow_null=True, help_text="null for the latest rates.")
    rates = serializers.DictField(child=RateReply())
    warnings = serializers.ListField(child=serializers.CharField())


class CryptoReply(Origin):
    """A coin's price; the other figures are of the 24 hours before it."""

    symbol = serializers.CharField()
    currency = serializers.CharField()
    price = number()
    open = maybe()
    high = maybe()
    low = maybe()
    previous_close = maybe()
    change = maybe()
    change_pct = maybe()
    volume = maybe(help_text="Units of the coin.")


def company_reply(report: CompanyReport) -> dict[str, Any]:
    stock, profile = report.stock, report.profile
    return {
        "symbol": stock.code,
        "name": stock.name,
        "market": stock.market_id,
        "currency": stock.currency,
        "sector": stock.sector or None,
        "industry": stock.industry or None,
        "country": profile.country or None,
        "isin": stock.isin or None,
        "listed_on": stock.listed_on,
        "shares_outstanding": stock.shares_outstanding,
        "market_cap": profile.market_cap,
        "employees": profile.employees,
        "website": profile.website or None,
        "logo": profile.logo or None,
        "description": profile.description or None,
        **_origin([profile.source], profile.as_of, profile.received_at, report.stale),
    }


def news_reply(page: NewsPage) -> dict[str, Any]:
    return {
        "symbol": page.stock.code if page.stock else None,
        "news": [_article_reply(article, page.stale) for article in page.articles],
        "next_cursor": cursor(page.after),
        "refreshed_at": page.refreshed_at,
        "stale": page.stale,
    }


def forex_reply(forex: Forex) -> dict[str, Any]:
    return {
        "base": forex.base,
        "date": forex.day,
        "rates": {quote: _rate_reply(rate, quote in forex.stale) for quote, rate in forex.rates.items()},
        "warnings": forex.warnings,
    }


def crypto_reply(report: CryptoReport) -> dict[str, Any]:
    coin = report.coin
    return {
        "symbol": coin.symbol,
        "currency": coin.currency,
        "price": coin.price,
        "open": coin.open,
        "high": coin.high,
        "low": coin.low,
        "previous_close": coin.previous_close,
        "change": None if coin.previous_close is None else coin.price - coin.previous_close,
        "change_pct": percent_change(coin.price, coin.previous_close),
        "volume": coin.volume,
        **_origin([coin.source], coin.as_of, coin.received_at, report.stale),
    }


def _article_reply(article: NewsArticle, stale: bool) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "summary": article.summary or None,
        "url": article.url,
        "image": article.image or None,
        "publisher": article.publisher or None,
        "published_at": article.published_at,
        "symbols": [stock.code for stock in article.stocks.all()],
        **_origin([article.source], article.published_at, article.received_at, stale),
    }


def _rate_reply(rate: Rate | None, stale: bool) -> dict[str, Any]:
    if rate is None:
        unknown = dict.fromkeys(("rate", "source", "as_of", "received_at", "delay_s"))
        return {**unknown, "derived": False, "stale": False}
    return {
        "rate": rate.rate,
        "derived": rate.derived,
        **_origin(rate.sources, rate.as_of, rate.received_at, stale),
    }


def _origin(
    sources: Iterable[str], as_of: datetime | None, received_at: datetime, stale: bool
) -> dict[str, Any]:
    return {
        "source": ",".join(sources),
        "as_of": as_of,
        "received_at": received_at,
        "delay_s": None if as_of is None else _seconds(received_at - as_of),
        "stale": stale,
    }


def _seconds(span: timedelta) -> Decimal:
    return rounded(Decimal(str(span.total_seconds())), 3)
