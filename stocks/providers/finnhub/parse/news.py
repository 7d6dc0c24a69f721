"""News, and what they are about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from stocks.providers.finnhub.parse.times import FUTURE, of_seconds
from stocks.providers.finnhub.symbols import code_of
from stocks.providers.json import mapping, sequence, text
from stocks.types import Article


def span(since: datetime, now: datetime) -> tuple[date, date]:
    """The first and the last day that a question about news since then names."""
    return since.astimezone(UTC).date(), now.astimezone(UTC).date()


def articles(value: Any, code: str | None, since: datetime, *, now: datetime, source: str) -> list[Article]:
    """Articles since then, the newest first; with a code, those that name it or name none.

    One without a title or a web address, or of a time to come, is left out.
    """
    chosen = []
    for one in sequence(value, "the news"):
        item = mapping(one, "article")
        names = text(item.get("related"), "related").split(",")
        codes = tuple(dict.fromkeys(known for name in names if (known := code_of(name.strip()))))
        if code and code not in codes and codes:
            continue
        article = Article(
            url=text(item.get("url"), "url"),
            title=text(item.get("headline"), "headline"),
            publisher=text(item.get("source"), "source"),
            published_at=of_seconds(item.get("datetime")),
            source=source,
            received_at=now,
            summary=text(item.get("summary"), "summary"),
            image=text(item.get("image"), "image"),
            codes=codes or ((code,) if code else ()),
        )
        usable = article.title and article.url.startswith(("http://", "https://"))
        if usable and since <= article.published_at <= now + FUTURE:
            chosen.append(article)
    return sorted(chosen, key=lambda article: article.published_at, reverse=True)
