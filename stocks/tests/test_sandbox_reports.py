"""Companies, news, rates and coins of the sandbox."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest

from stocks.currencies import CODES, MAJOR
from stocks.models.fields import MAX_MONEY, MAX_PRICE
from stocks.providers.errors import NotFound
from stocks.providers.protocol import Capability, HasFxHistory
from stocks.providers.sandbox import Sandbox, crypto, fx
from stocks.providers.sandbox.news import PUBLISHER
from stocks.providers.sandbox.paths import levels
from stocks.types import StockKey

NOW = datetime(2025, 11, 12, 22, 0, 30, tzinfo=UTC)
MONTH = timedelta(days=30)


def _sandbox(now: datetime = NOW, **options) -> Sandbox:
    return Sandbox(now=lambda: now, **options)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return _sandbox()


def test_a_company_says_that_its_figures_are_invented(sandbox):
    company = sandbox.company(StockKey("005930"))
    assert company.listing.name == "삼성전자"
    assert "invented" in company.description
    assert company.website == "https://sandbox.invalid/companies/005930"
    (tick,) = sandbox.quotes([StockKey("005930")])
    assert company.market_cap == tick.price * 5_919_637_922
    assert 0 < company.market_cap < MAX_MONEY
    assert company.as_of == tick.as_of


def test_an_index_has_neither_staff_nor_a_market_capitalisation(sandbox):
    company = sandbox.company(StockKey("^NSEI"))
    assert (company.employees, company.market_cap) == (None, None)


def test_a_company_that_is_still_to_come_is_unknown(sandbox):
    young = next(one for one in sandbox.universe if one.listed_on and one.listed_on > NOW.date())
    with pytest.raises(NotFound):
        sandbox.company(StockKey(young.code))


def test_a_search_finds_codes_before_names_and_twenty_at_most(sandbox):
    assert [one.code for one in sandbox.search("aapl")] == ["AAPL"]
    assert sandbox.search("삼성")[0].code == "005930"
    assert len(sandbox.search("fictional")) == 20
    assert sandbox.search("no such company") == []
    assert sandbox.search("  ") == []


def test_a_stock_has_a_few_articles_a_month_and_each_says_that_it_is_invented(sandbox):
    for code in ("AAPL", "005930", "TCS.NS", "800010"):
        year = sandbox.news(StockKey(code), NOW - timedelta(days=365))
        assert 24 <= len(year) <= 120
        for article in year:
            assert article.title.startswith("[Invented] ")
            assert article.publisher == PUBLISHER
            assert article.url.startswith("https://sandbox.invalid/news/")
        assert len({article.url for article in year}) == len(year)


def test_an_article_about_several_companies_is_news_of_each(sandbox):
    both = [one for one in sandbox.news(StockKey("AAPL"), NOW - 12 * MONTH) if len(one.codes) > 1]
    assert both
    for article in both:
        for code in article.codes:
            assert article in sandbox.news(StockKey(code), NOW - 12 * MONTH)


def test_news_stay_what_they_were(sandbox):
    later = _sandbox(NOW + MONTH).news(StockKey("AAPL"), NOW - MONTH)
    then = sandbox.news(StockKey("AAPL"), NOW - MONTH)
    told = {one.url: (one.title, one.published_at, one.codes) for one in later}
    assert len(told) > len(then) > 0
    assert all(told[one.url] == (one.title, one.published_at, one.codes) for one in then)


def test_markets_have_news_every_day_and_those_of_sectors_among_them(sandbox):
    week = sandbox.news(None, NOW - timedelta(days=7))
    assert len({one.published_at.date() for one in week}) >= 7
    assert any(one.codes for one in sandbox.news(None, NOW - MONTH))


def test_an_unknown_code_has_no_news(sandbox):
    assert list(sandbox.news(StockKey("NO.SUCH"), NOW - MONTH)) == []


def test_everyone_gets_the_same_rate_in_the_same_minute_and_another_one_later():
    def rate(now: datetime) -> Decimal:
        (found,) = _sandbox(now, stocks_per_market=1).fx_rates("USD", ["KRW"])
        assert found.as_of == now.replace(second=0)
        return found.rate

    assert rate(NOW) == rate(NOW.replace(second=0)) == rate(NOW.replace(second=59))
    assert len({rate(NOW + timedelta(minutes=minute)) for minute in range(10)}) > 5


def test_no_rates_are_without_the_unknown_and_the_currency_itself(sandbox):
    assert [one.quote for one in sandbox.fx_rates("KRW", ["USD", "XXX", "KRW", "USD", "EUR"])] == [
        "USD",
        "EUR",
    ]
    assert sandbox.fx_rates("XXX", ["USD"]) == []


def test_rates_leave_no_arbitrage(sandbox):
    rates = {
        (one.base, one.quote): one.rate
        for base in fx.CURRENCIES
        for one in sandbox.fx_rates(base, fx.CURRENCIES)
    }
    assert len(rates) == 15 * 14
    for base, middle, quote in combinations(("USD", "EUR", "KRW", "JPY", "GBP"), 3):
        crossed = rates[(base, middle)] * rates[(middle, quote)]
        assert abs(crossed / rates[(base, quote)] - 1) < Decimal("0.0001")


def test_the_currencies_are_the_major_ones():
    assert set(fx.CURRENCIES) == set(MAJOR)
    assert set(MAJOR) <= CODES
    assert len(CODES) >= 150


def test_a_history_has_a_rate_for_each_day_and_ends_with_the_latest(sandbox):
    assert isinstance(sandbox, HasFxHistory)
    days = sandbox.fx_history("USD", "KRW", date(2025, 10, 1), date(2026, 1, 1))
    assert [one.as_of.date() for one in days] == [date(2025, 10, 1) + timedelta(days=at) for at in range(43)]
    assert days[-1] == sandbox.fx_rates("USD", ["KRW"])[0]
    assert list(sandbox.fx_history("USD", "XXX", date(2025, 10, 1), date(2025, 10, 3))) == []


def test_every_coin_can_be_had_in_every_currency_and_its_range_holds_the_price(sandbox):
    assert len(crypto.COINS) == 20
    for symbol in crypto.COINS:
        for currency in ("USD", "KRW", "EUR"):
            coin = sandbox.crypto(symbol, currency)
            assert 0 < coin.low <= min(coin.open, coin.price)
            assert max(coin.open, coin.price) <= coin.high < MAX_PRICE
            assert coin.volume > 0
            assert coin.price == coin.price.quantize(Decimal("1E-8"))


@pytest.mark.parametrize("pair", [("NOSUCHCOIN", "USD"), ("BTC", "XXX")])
def test_an_unknown_pair_is_not_found(sandbox, pair):
    with pytest.raises(NotFound):
        sandbox.crypto(*pair)


def test_a_path_is_continuous_whenever_it_is_asked_for():
    long = levels(1, "coin", 0.02, 0.3, NOW, 4_000)
    assert abs(long[1:] - long[:-1]).max() < 0.02
    for minutes in (1, 2, 1_441, 3_000):
        assert (levels(1, "coin", 0.02, 0.3, NOW, minutes) == long[-minutes:]).all()
    earlier = levels(1, "coin", 0.02, 0.3, NOW - timedelta(minutes=1_000), 500)
    assert (earlier == long[-1_500:-1_000]).all()


def test_the_sandbox_has_every_capability(sandbox):
    from stocks.providers.protocol import PROTOCOLS

    assert all(isinstance(sandbox, PROTOCOLS[capability]) for capability in Capability)
