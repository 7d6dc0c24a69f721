"""News with what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stocks.providers.alpha_vantage.symbols import code_of
from stocks.providers.errors import Malformed
from stocks.providers.json import mapping, required, sequence, text
from stocks.types import Article


def articles(
    answer: Mapping[str, Any], code: str | None, since: datetime, *, now: datetime, source: str
) -> list[Article]:
    """Articles since then, the newest first; with a code, only those that name it.

    One without a title or a web address is left out.
    """
    if not answer:
        return []
    found = []
    for one in sequence(answer.get("feed"), "feed"):
        item = mapping(one, "article")
        article = Article(
            url=text(item.get("url"), "url"),
            title=text(item.get("title"), "title"),
            publisher=text(item.get("source"), "source"),
            published_at=_moment(item.get("time_published")),
            source=source,
            received_at=now,
            summary=text(item.get("summary"), "summary"),
            image=text(item.get("banner_image"), "image"),
            codes=_codes(item.get("ticker_sentiment")),
        )
        wanted = article.title and article.url.startswith(("http://", "https://"))
        if wanted and since <= article.published_at <= now and (code is None or code in article.codes):
            found.append(article)
    return sorted(found, key=lambda article: article.published_at, reverse=True)


def _codes(value: Any) -> tuple[str, ...]:
    """Stocks alone: coins and currencies are written CRYPTO:BTC and FOREX:USD."""
    tickers = [mapping(one, "ticker").get("ticker") for one in sequence(value or [], "tickers")]
    codes = [code_of(text(ticker, "ticker")) for ticker in tickers]
    return tuple(dict.fromkeys(code for code in codes if code))


def _moment(value: Any) -> datetime:
    written = required(value, "time published")
    for form in ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M"):
        try:
            return datetime.strptime(written, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise Malformed("time published is no time")
