"""News: fetched while somebody reads them, and kept, each article once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from stocks.errors import NoNews
from stocks.models import NewsArticle, Stock
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.selectors.reports import Place, has_news, stored_news
from stocks.services.companies import key_of
from stocks.services.keeping import claim_for, kept_fresh
from stocks.texts import address_digest, plain_text, web_address
from stocks.types import Article

FRESH_FOR: Final = timedelta(minutes=10)
#: How far back a provider is asked: about a stock, and about markets, where more is written.
STOCK_DAYS: Final = timedelta(days=30)
MARKET_DAYS: Final = timedelta(days=7)
#: Clocks differ; an article of a later time than this is of no time at all.
_AHEAD = timedelta(minutes=5)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LONGEST_SUMMARY = 5_000
_LONGEST_ADDRESS = 2_000


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Articles, the newest first.

    ``after`` is where the next page begins, None after the last; ``refreshed_at`` is when a provider was
    asked last; ``stale`` that it was too long ago.
    """

    stock: Stock | None
    articles: list[NewsArticle]
    after: Place | None
    refreshed_at: datetime | None
    stale: bool


def news_page(
    stock: Stock | None, *, since: datetime | None, after: Place | None, limit: int, now: datetime
) -> NewsPage:
    """News about a stock; about everything where it is None.

    Raises NoNews where nothing is stored and nobody can be asked, and DataUnavailable.
    """
    have = has_news(stock)
    freshness = kept_fresh(
        f"news:{stock.code}" if stock else "news",
        offered=_is_offered(stock),
        have=have,
        fresh_for=FRESH_FOR,
        refresh=lambda: _refresh(stock, now),
        now=now,
    )
    if freshness.missing and freshness.at is None:
        raise NoNews(stock.code if stock else None)
    articles = stored_news(stock, since=since, after=after, limit=limit + 1)
    shown = articles[:limit]
    more = len(articles) > limit
    return NewsPage(
        stock=stock,
        articles=shown,
        after=Place(shown[-1].published_at, shown[-1].id) if more else None,
        refreshed_at=freshness.at,
        stale=freshness.stale,
    )


def news_store(articles: Iterable[Article], *, about: Stock | None, now: datetime) -> int:
    """Keep articles; returns how many were new.

    One that is stored already only gains stocks. ``about`` is the stock whose news they are; the others that
    an article names count where they are listed here. What has no web address, no title or no possible time
    is left out.
    """
    rows: dict[bytes, NewsArticle] = {}
    named: dict[bytes, set[str]] = defaultdict(set)
    for article in articles:
        if (row := _row(article, now)) is not None:
            digest = address_digest(row.url)
            rows.setdefault(digest, row)
            named[digest].update(article.codes)
    # In one order for every writer, so that two never wait for each other.
    digests = sorted(rows)
    if not digests:
        return 0
    with transaction.atomic():
        before = NewsArticle.objects.filter(url_hash__in=digests).order_by().count()
        NewsArticle.objects.bulk_create((rows[digest] for digest in digests), ignore_conflicts=True)
        ids = {
            bytes(digest): pk
            for pk, digest in NewsArticle.objects.filter(url_hash__in=digests).values_list("id", "url_hash")
        }
        codes = set().union(*named.values())
        stocks = dict(Stock.objects.filter(code__in=codes).order_by().values_list("code", "id"))
        links = {
            (ids[digest], stocks[code]) for digest in digests for code in named[digest] if code in stocks
        }
        if about is not None:
            links |= {(ids[digest], about.id) for digest in digests}
        through = NewsArticle.stocks.through
        through.objects.bulk_create(
            (through(newsarticle_id=article, stock_id=stock) for article, stock in sorted(links)),
            ignore_conflicts=True,
        )
    return len(digests) - before


def _is_offered(stock: Stock | None) -> bool:
    if stock is None:
        return mesh().has(Capability.NEWS)
    return mesh().covers(Capability.NEWS, key_of(stock))


def _refresh(stock: Stock | None, now: datetime) -> str:
    key = key_of(stock) if stock else None
    answer = mesh().news(key, now - (STOCK_DAYS if stock else MARKET_DAYS))
    found: Sequence[Article] = answer.value
    with transaction.atomic():
        claim_for(answer.source)
        news_store(found, about=stock, now=now)
    return answer.source


def _row(article: Article, now: datetime) -> NewsArticle | None:
    url = web_address(article.url, _LONGEST_ADDRESS)
    title = plain_text(article.title, 500)
    if not url or not title or not _EARLIEST <= article.published_at <= now + _AHEAD:
        return None
    return NewsArticle(
        url_hash=address_digest(url),
        url=url,
        title=title,
        summary=plain_text(article.summary, _LONGEST_SUMMARY),
        publisher=plain_text(article.publisher, 100),
        image=web_address(article.image, _LONGEST_ADDRESS),
        published_at=article.published_at,
        received_at=article.received_at,
        source=article.source,
    )
