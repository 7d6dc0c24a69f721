"""Companies, hits and news: ours alone, and named as we name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stocks.providers.errors import Malformed, NotFound
from stocks.providers.yahoo.parse import companies
from stocks.providers.yahoo.tests.standin import NOW
from stocks.types import StockKey

KEY = StockKey("AAPL", "NASDAQ", "USD")


def _summary(**price: Any) -> Any:
    row = {
        "symbol": "AAPL",
        "quoteType": "EQUITY",
        "exchange": "NMS",
        "currency": "USD",
        "longName": "Apple Inc.",
        "marketCap": 4_000_000_000_000,
        **price,
    }
    return {"quoteSummary": {"result": [{"price": row}], "error": None}}


def _article(**fields: Any) -> dict[str, Any]:
    return {
        "title": "News",
        "link": "https://news.example/1",
        "publisher": "Wire",
        "providerPublishTime": int(NOW.timestamp()) - 60,
        "relatedTickers": ["AAPL"],
        **fields,
    }


def _articles(*rows: Any, symbol: str | None = "AAPL", key: StockKey | None = KEY) -> list[Any]:
    return companies.articles({"news": list(rows)}, symbol, key, NOW - timedelta(days=1), NOW)


def test_it_works():
    company = companies.company(_summary(), "AAPL", KEY, NOW)
    assert (company.listing.name, company.listing.market) == ("Apple Inc.", "NASDAQ")
    assert company.market_cap == 4 * 10**12
    assert (company.description, company.employees, company.listing.shares_outstanding) == ("", None, None)


@pytest.mark.parametrize(
    ("exchange", "market"),
    [("NGM", "NASDAQ"), ("NCM", "NASDAQ"), ("NYQ", "NYSE"), ("ASE", "NYSE"), ("PCX", "NYSE"), ("SNP", "US")],
)
def test_an_exchange_is_one_of_our_markets(exchange, market):
    assert companies.company(_summary(exchange=exchange), "AAPL", KEY, NOW).listing.market == market


@pytest.mark.parametrize("price", [{"exchange": "LSE"}, {"exchange": "PNK"}, {"exchange": None}])
def test_a_place_that_we_do_not_list_is_not_found_and_says_so(price):
    with pytest.raises(NotFound, match="AAPL trades at a place that is not listed here"):
        companies.company(_summary(**price), "AAPL", KEY, NOW)


def test_what_is_no_stock_is_not_found():
    with pytest.raises(NotFound, match="no stock"):
        companies.company(_summary(quoteType="CRYPTOCURRENCY"), "AAPL", KEY, NOW)


@pytest.mark.parametrize("price", [{"symbol": "MSFT"}, {"currency": "KRW"}, {"currency": None}])
def test_a_company_of_another_symbol_or_currency_is_refused(price):
    with pytest.raises(Malformed):
        companies.company(_summary(**price), "AAPL", KEY, NOW)


def test_no_result_is_not_found():
    with pytest.raises(NotFound):
        companies.company({"quoteSummary": {"result": None, "error": None}}, "AAPL", KEY, NOW)


def test_a_fund_and_an_index_are_of_their_kind():
    for theirs, ours in (("ETF", "etf"), ("INDEX", "index")):
        assert companies.company(_summary(quoteType=theirs), "AAPL", KEY, NOW).listing.kind == ours


def test_hits_elsewhere_and_of_other_kinds_are_left_out():
    rows = [
        {"symbol": "AAPL", "exchange": "NMS", "quoteType": "EQUITY", "longname": "Apple Inc."},
        {"symbol": "APC.DE", "exchange": "GER", "quoteType": "EQUITY", "longname": "Apple Inc."},
        {"symbol": "AAPL250101C", "exchange": "OPR", "quoteType": "OPTION", "shortname": "call"},
        {"symbol": "247540.KQ", "exchange": "KOE", "quoteType": "EQUITY", "shortname": "ECOPRO BM"},
        {"symbol": "AAPL", "exchange": "NMS", "quoteType": "EQUITY", "longname": "Apple again"},
        {"index": "private", "name": "Apple Private"},
    ]
    found = companies.listings({"quotes": rows})
    assert [(one.code, one.name, one.market, one.currency) for one in found] == [
        ("AAPL", "Apple Inc.", "NASDAQ", "USD"),
        ("247540", "ECOPRO BM", "KOSDAQ", "KRW"),
    ]


def test_news_name_the_stocks_that_they_are_about():
    (article,) = _articles(_article(relatedTickers=["005930.KS", "AAPL", "BRK-B", "APC.DE", "BTC-USD"]))
    assert article.codes == ("AAPL", "005930", "BRK.B")


def test_news_about_others_are_left_out_unless_news_in_general_were_asked_for():
    other = _article(relatedTickers=["MSFT"])
    assert _articles(other) == []
    (article,) = _articles(other, symbol=None, key=None)
    assert article.codes == ("MSFT",)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"link": "javascript:alert(1)"},
        {"link": None},
        {"link": "https://news.example/" + "x" * 2_000},
        {"providerPublishTime": None},
        {"providerPublishTime": int(NOW.timestamp()) * 1000},
        {"providerPublishTime": int(datetime(2025, 11, 1, tzinfo=UTC).timestamp())},
        {"providerPublishTime": int(NOW.timestamp()) + 3_600},
    ],
)
def test_news_without_an_address_a_title_or_a_time_within_are_left_out(fields):
    assert _articles(_article(**fields)) == []


def test_news_are_told_once_and_the_newest_first():
    older = _article(link="https://news.example/2", providerPublishTime=int(NOW.timestamp()) - 600)
    found = _articles(older, _article(), _article(title="Again"))
    assert [article.title for article in found] == ["News", "News"]
    assert found[0].published_at > found[1].published_at


def test_an_article_has_its_largest_picture():
    sizes = [{"url": f"https://img.example/{n}", "width": n} for n in (140, 1200, 600)]
    (article,) = _articles(_article(thumbnail={"resolutions": sizes}))
    assert article.image == "https://img.example/1200"
    (plain,) = _articles(_article(thumbnail={"resolutions": [None, {"width": 3}]}))
    assert plain.image == ""
