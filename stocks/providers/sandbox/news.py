"""News of the sandbox. Every headline says that it is invented, for some of the companies exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from stocks.providers.sandbox import known
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.profiles import SITE
from stocks.providers.sandbox.universe import ORIGIN, Instrument
from stocks.types import Article

PUBLISHER = "Sandbox Wire"
_PREFIX = "[Invented] "
_SUMMARY = "This article belongs to the sandbox market. Nothing in it has happened."
_OF_COMPANIES = (
    "{name} opens an imaginary plant",
    "{name} presents a product that nobody can buy",
    "{name} names a made-up head of research",
    "{name} signs a pretend contract of supply",
    "{name} invites to a meeting that takes place nowhere",
    "Fictional analysts argue about {name}",
    "{name} moves its make-believe headquarters",
    "{name} tells how it spends money of the sandbox",
)
_OF_SECTORS = (
    "{sector}: an invented survey compares {names}",
    "{sector}: pretend suppliers court {names}",
    "{sector}: a fictional conference brings {names} together",
)
_OF_MARKETS = (
    "Markets of the sandbox pause for thought",
    "Imaginary investors weigh imaginary rates",
    "A made-up index of confidence rises by a made-up point",
    "Fictional traders return from a fictional holiday",
    "Pretend currencies drift while pretend banks watch",
)
_BY_SECTOR = {
    sector: [stock for stock in known.STOCKS if stock.sector == sector]
    for sector in sorted({stock.sector for stock in known.STOCKS})
}


def of_stock(
    seed: int, instrument: Instrument, since: datetime, *, now: datetime, source: str
) -> list[Article]:
    """A few articles a month about one stock, the newest first; some are about its sector as well."""
    return _newest_first(_of_stock(seed, instrument, since, now, source), since, now)


def of_markets(seed: int, since: datetime, *, now: datetime, source: str) -> list[Article]:
    """One or two articles a day about markets, and those about sectors, the newest first."""
    return _newest_first(_of_markets(seed, since, now, source), since, now)


def _newest_first(articles: Iterator[Article], since: datetime, now: datetime) -> list[Article]:
    within = (article for article in articles if since <= article.published_at <= now)
    return sorted(within, key=lambda article: (article.published_at, article.url), reverse=True)


def _of_stock(
    seed: int, instrument: Instrument, since: datetime, now: datetime, source: str
) -> Iterator[Article]:
    for year, month in _months(since, now):
        draws = generator(seed, instrument.code, "news", year, month)
        for number in range(int(draws.integers(2, 6))):
            headline = _OF_COMPANIES[draws.integers(len(_OF_COMPANIES))].format(name=instrument.name)
            yield _article(
                f"{quote(instrument.code, safe='')}/{year}-{month:02}-{number}",
                headline,
                _moment(year, month, float(draws.random())),
                (instrument.code,),
                now,
                source,
            )
    yield from (
        article
        for article in _of_sector(seed, instrument.sector, since, now, source)
        if instrument.code in article.codes
    )


def _of_markets(seed: int, since: datetime, now: datetime, source: str) -> Iterator[Article]:
    first = max(since.astimezone(UTC).date(), ORIGIN)
    for days in range((now.astimezone(UTC).date() - first).days + 1):
        day = first + timedelta(days=days)
        draws = generator(seed, "markets", "news", day.isoformat())
        for number in range(int(draws.integers(1, 3))):
            yield _article(
                f"markets/{day}-{number}",
                _OF_MARKETS[draws.integers(len(_OF_MARKETS))],
                datetime(day.year, day.month, day.day, tzinfo=UTC)
                + timedelta(minutes=int(draws.integers(1_440))),
                (),
                now,
                source,
            )
    for sector in _BY_SECTOR:
        yield from _of_sector(seed, sector, since, now, source)


def _of_sector(seed: int, sector: str, since: datetime, now: datetime, source: str) -> Iterator[Article]:
    """Two articles a month, each about two or three well-known companies."""
    members = _BY_SECTOR.get(sector, [])
    if len(members) < 2:
        return
    for year, month in _months(since, now):
        draws = generator(seed, sector, "news", year, month)
        for number in range(2):
            chosen = draws.permutation(len(members))[: min(int(draws.integers(2, 4)), len(members))]
            named = [members[at] for at in chosen.tolist()]
            names = ", ".join(stock.name for stock in named[:-1]) + f" and {named[-1].name}"
            headline = _OF_SECTORS[draws.integers(len(_OF_SECTORS))].format(sector=sector, names=names)
            yield _article(
                f"sectors/{sector.lower().replace(' ', '-')}/{year}-{month:02}-{number}",
                headline,
                _moment(year, month, float(draws.random())),
                tuple(stock.code for stock in named),
                now,
                source,
            )


def _months(since: datetime, now: datetime) -> Iterator[tuple[int, int]]:
    since, now = since.astimezone(UTC), now.astimezone(UTC)
    first = max((since.year, since.month), (ORIGIN.year, ORIGIN.month))
    for number in range(first[0] * 12 + first[1] - 1, now.year * 12 + now.month):
        yield number // 12, number % 12 + 1


def _moment(year: int, month: int, share: float) -> datetime:
    """A minute of the month's first 28 days."""
    return datetime(year, month, 1, tzinfo=UTC) + timedelta(minutes=int(share * 28 * 1_440))


def _article(
    path: str, headline: str, published_at: datetime, codes: tuple[str, ...], now: datetime, source: str
) -> Article:
    return Article(
        url=f"{SITE}/news/{path}",
        title=f"{_PREFIX}{headline}",
        publisher=PUBLISHER,
        published_at=published_at,
        source=source,
        received_at=now,
        summary=_SUMMARY,
        codes=codes,
    )
