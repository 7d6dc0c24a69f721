"""GET /v1/market/news and /v1/stocks/{code}/news"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from stocks.models import Fetched, NewsArticle
from stocks.services.news import news_page, news_store
from stocks.tests.desk_cases import at_once, settled, standing_desk
from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory
from stocks.tests.shapes import assert_described
from stocks.types import Article

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

PATH = "/v1/market/news"
NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        yield standing


@pytest.fixture
def apple():
    return StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")


def told(number: int = 1, **values) -> dict:
    """An article as the server tells it."""
    published_at = (timezone.now() - timedelta(hours=number)).isoformat()
    return {
        "url": f"https://news.example/{number}",
        "title": f"Title {number}",
        "publisher": "Example",
        "published_at": published_at,
        "codes": ["AAPL"],
        **values,
    }


def article(number: int = 1, **values) -> Article:
    published_at = values.pop("published_at", NOW - timedelta(hours=number))
    return Article(
        **{"url": f"https://news.example/{number}", "title": f"Title {number}", "publisher": "", **values},
        published_at=published_at,
        source="desk",
        received_at=published_at + timedelta(seconds=90),
    )


def titles(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["title"] for row in response.json()["news"]]


def test_it_works(desk, apple):
    StockFactory.create(code="MSFT", market_id="NASDAQ", currency="USD")
    desk.knows.news["AAPL"] = [told(1, codes=["AAPL", "MSFT", "ZZZZ"], summary="Short."), told(2)]
    response = ask(PATH, symbol="aapl")
    assert_described("market_news", response)
    body = response.json()
    assert (body["symbol"], body["stale"], body["next_cursor"]) == ("AAPL", False, None)
    assert body["refreshed_at"] is not None
    first, second = body["news"]
    assert (first["title"], first["symbols"], first["summary"]) == ("Title 1", ["AAPL", "MSFT"], "Short.")
    assert (second["title"], second["summary"], second["image"]) == ("Title 2", None, None)
    assert first["source"] == "desk"
    assert first["as_of"] == first["published_at"]
    assert first["delay_s"] == pytest.approx(3600, abs=60)
    assert_described("stocks_news", ask("/v1/stocks/AAPL/news"))


def test_they_are_asked_for_every_ten_minutes_at_most(desk, apple):
    desk.knows.news["AAPL"] = [told(1)]
    for _ in range(3):
        assert titles(ask(PATH, symbol="AAPL")) == ["Title 1"]
    assert len(desk.asked("/news")) == 1
    Fetched.objects.update(at=timezone.now() - timedelta(minutes=11))
    desk.knows.news["AAPL"].append(told(0))
    assert ask(PATH, symbol="AAPL").json()["stale"] is True
    settled()
    assert titles(ask(PATH, symbol="AAPL")) == ["Title 0", "Title 1"]
    assert len(desk.asked("/news")) == 2


def test_that_there_are_none_is_an_empty_list_and_remembered(desk, apple):
    for _ in range(3):
        assert titles(ask(PATH, symbol="AAPL")) == []
    assert len(desk.asked("/news")) == 1


def test_many_readers_of_cold_news_cost_one_call(desk, apple):
    desk.knows.news["AAPL"] = [told(1)]
    desk.knows.seconds = 0.3
    pages = at_once(24, lambda: news_page(apple, since=None, after=None, limit=20, now=timezone.now()))
    assert {len(page.articles) for page in pages} == {1}
    assert len(desk.asked("/news")) == 1


def test_news_without_a_symbol_are_all_of_them(desk, apple):
    news_store([article(1)], about=apple, now=NOW)
    desk.knows.news[""] = [told(0, url="https://news.example/markets", title="Markets", codes=[])]
    ask(PATH)
    settled()
    assert titles(ask(PATH)) == ["Markets", "Title 1"]
    assert desk.asked("/news") == [{}]


def test_without_a_provider_stored_news_are_shown_as_stale(settings, apple):
    settings.MARKET_DATA = []
    refused(ask(PATH, symbol="AAPL"), 404, "NEWS_NOT_AVAILABLE")
    refused(ask(PATH), 404, "NEWS_NOT_AVAILABLE")
    news_store([article(1)], about=apple, now=NOW)
    body = ask(PATH, symbol="AAPL").json()
    assert (body["stale"], body["refreshed_at"]) == (True, None)
    assert [row["stale"] for row in body["news"]] == [True]


def test_a_failure_with_nothing_to_show_is_said(desk, apple):
    desk.fail()
    refused(ask(PATH, symbol="AAPL"), 503, "DATA_SOURCE_UNAVAILABLE")


def test_an_address_is_stored_once_and_gathers_its_stocks(apple):
    other = StockFactory.create(code="MSFT")
    assert news_store([article(1, codes=("AAPL",))], about=apple, now=NOW) == 1
    third = StockFactory.create(code="IBM")
    again = {"url": "HTTPS://News.Example/1?utm_source=feed#top"}
    twice = [article(1, **again, codes=("IBM",)), article(1, **again, codes=("MSFT",))]
    assert news_store(twice, about=other, now=NOW) == 0
    assert third.news.count() == 1
    stored = NewsArticle.objects.get()
    assert stored.url == "https://news.example/1"
    assert {stock.code for stock in stored.stocks.all()} == {"AAPL", "IBM", "MSFT"}
    assert titles(ask("/v1/stocks/MSFT/news")) == ["Title 1"]


def test_writers_of_the_same_articles_meet_without_harm(apple):
    articles = [article(number) for number in range(30)]
    results = at_once(8, lambda: news_store(articles, about=apple, now=NOW))
    assert all(isinstance(result, int) for result in results), results
    assert NewsArticle.objects.count() == 30
    assert apple.news.count() == 30


@pytest.mark.parametrize(
    "values",
    [
        {"url": "javascript:alert(1)"},
        {"url": "https://news.example/" + "a" * 2000},
        {"title": "<br>"},
        {"title": ""},
        {"published_at": NOW + timedelta(minutes=6)},
        {"published_at": datetime(1970, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_is_no_article_is_left_out(apple, values):
    assert news_store([article(1, **values), article(2)], about=apple, now=NOW) == 1
    assert NewsArticle.objects.get().title == "Title 2"


def test_texts_are_plain_and_cut(apple):
    long = article(
        1,
        title="<script>alert(1)</script>A &amp; B\x00\x07 " + "t" * 600,
        summary="s" * 9_000,
        image="ftp://x/y",
        publisher="p" * 300,
    )
    news_store([long], about=apple, now=NOW)
    stored = NewsArticle.objects.get()
    assert stored.title.startswith("alert(1) A & B ttt")
    assert (len(stored.title), len(stored.summary), len(stored.publisher)) == (500, 5_000, 100)
    assert stored.image == ""


def test_pages_follow_each_other_without_a_gap_or_a_double(settings, apple):
    settings.MARKET_DATA = []
    same = NOW - timedelta(days=1)
    news_store([article(number, published_at=same) for number in range(7)], about=apple, now=NOW)
    news_store([article(number) for number in range(7, 12)], about=apple, now=NOW)
    seen: list[int] = []
    cursor = None
    for page in range(5):
        body = ask(PATH, symbol="AAPL", limit=3, **({"cursor": cursor} if cursor else {})).json()
        seen += [row["id"] for row in body["news"]]
        cursor = body["next_cursor"]
        # One that comes in between stands before the pages that follow.
        news_store([article(100 + page, published_at=NOW)], about=apple, now=NOW)
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 12
    assert cursor is None


def test_since_leaves_out_what_is_older(settings, apple):
    settings.MARKET_DATA = []
    news_store([article(1), article(48)], about=apple, now=NOW)
    assert titles(ask(PATH, since="2025-11-12")) == ["Title 1"]
    assert titles(ask(PATH, since="2025-11-10T22:00:00Z")) == ["Title 1", "Title 48"]
    assert titles(ask(PATH, since="2025-11-11T07:00:00.001+09:00")) == ["Title 1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", 0),
        ("limit", 101),
        ("limit", 10**18),
        ("limit", "NaN"),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("since", "9999-12-31T23:59:59-14:00"),
        ("since", "2025-01-01\x00"),
        ("cursor", "x"),
        ("cursor", "AAAA"),
        ("cursor", "MTIz"),
        ("cursor", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x"),
        ("cursor", "삼성"),
        ("cursor", "A" * 65),
        ("page", 2),
        ("symbol", "x" * 33),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(settings, name, value):
    settings.MARKET_DATA = []
    assert name in refused(ask(PATH, **{name: value}), 400, "VALIDATION_ERROR")


def test_an_unknown_stock_is_404(settings):
    settings.MARKET_DATA = []
    refused(ask(PATH, symbol="NOSUCH"), 404, "STOCK_NOT_FOUND")
    refused(ask("/v1/stocks/NOSUCH/news"), 404, "STOCK_NOT_FOUND")


def test_twenty_articles_cost_the_queries_of_one(desk, apple, django_assert_num_queries):
    desk.knows.news["AAPL"] = [told(1)]
    ask(PATH, symbol="AAPL")
    with django_assert_num_queries(5):
        assert len(titles(ask(PATH, symbol="AAPL"))) == 1
    news_store([article(number) for number in range(2, 21)], about=apple, now=NOW)
    with django_assert_num_queries(5):
        assert len(titles(ask(PATH, symbol="AAPL"))) == 20


def test_the_sandbox_has_news(settings, apple):
    settings.MARKET_DATA = ["sandbox"]
    stock = ask(PATH, symbol="AAPL").json()["news"]
    assert all("AAPL" in row["symbols"] for row in stock)
    assert all(row["title"].startswith("[Invented] ") for row in stock)
    assert titles(ask(PATH))
