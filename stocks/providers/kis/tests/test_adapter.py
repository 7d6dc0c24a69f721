from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from stocks.providers.errors import Malformed, NotFound
from stocks.providers.kis.tests.case import KEYS, NOW, opened
from stocks.providers.kis.tests.standin import HALTED_DAY, payload, refusal
from stocks.sessions import schedule
from stocks.tests.provider_case import Opened
from stocks.tests.standin import StandIn, json_answer
from stocks.types import StockKey

pytestmark = pytest.mark.usefixtures("redis_client")
KEY = KEYS[0]


@pytest.fixture
def kis() -> Iterator[Opened]:
    with opened() as one:
        yield one


@pytest.fixture
def upstream(kis: Opened) -> StandIn:
    assert kis.upstream is not None
    kis.upstream.requests.clear()
    return kis.upstream


def test_only_korean_codes_are_covered(kis, upstream):
    provider = kis.provider
    covered = ["005930", "00104K", "0001A0", "999999"]
    assert all(provider.covers(StockKey(code)) for code in covered)
    assert all(provider.covers(StockKey(code, "KOSDAQ", "KRW")) for code in covered)
    assert provider.covers(StockKey("112040", "KONEX", "KRW"))
    others = [
        *(StockKey(code) for code in ("AAPL", "", "5930", "0059300", "^KS11", "005930.KS", "００５９３０")),
        StockKey("005930", "NASDAQ", "USD"),
        StockKey("005930", "KOSPI", "USD"),
        StockKey("GOOGLE", "KOSPI", "KRW"),
    ]
    for key in others:
        assert not provider.covers(key)
        assert provider.quotes([key]) == []
        assert list(provider.daily_bars(key, date(2026, 1, 1), date(2026, 7, 1))) == []
        for ask in (provider.order_book, provider.company):
            with pytest.raises(NotFound):
                ask(key)
    assert upstream.requests == []


def test_years_of_bars_are_read_page_by_page(kis, upstream):
    start, end = date(2024, 1, 2), date(2026, 7, 23)
    bars = kis.provider.daily_bars(KEY, start, end)
    sessions = [day for day in sorted(schedule("XKRX").close_by_day) if start <= day <= end]
    assert [bar.date for bar in bars] == sessions
    assert len(upstream.requests) == len(sessions) // 100 + 1
    by_day = {bar.date: bar for bar in bars}
    assert by_day[HALTED_DAY].open is None
    assert by_day[HALTED_DAY].volume == 0
    assert by_day[HALTED_DAY].close > 0
    assert all(bar.open for bar in bars if bar.date != HALTED_DAY)


def test_a_page_that_reaches_the_first_day_is_the_last(kis, upstream):
    sessions = sorted(schedule("XKRX").close_by_day)
    last = sessions.index(date(2026, 7, 23))
    for count, pages in ((99, 1), (100, 1), (101, 2), (200, 2), (201, 3)):
        upstream.requests.clear()
        bars = kis.provider.daily_bars(KEY, sessions[last - count + 1], sessions[last])
        assert (len(bars), len(upstream.requests)) == (count, pages)


def test_a_stock_that_was_listed_lately_costs_no_further_page(kis, upstream):
    upstream.always = json_answer(payload("chart.json"))
    bars = kis.provider.daily_bars(KEY, date(2010, 1, 4), date(2026, 7, 23))
    assert [bar.date for bar in bars] == [date(2026, 7, 22), date(2026, 7, 23)]
    assert len(upstream.requests) == 1


def test_days_to_come_are_not_asked_for(kis, upstream):
    assert list(kis.provider.daily_bars(KEY, date(2026, 7, 27), date(2026, 8, 30))) == []
    assert list(kis.provider.daily_bars(KEY, date(2026, 7, 20), date(2026, 7, 10))) == []
    assert upstream.requests == []
    bars = kis.provider.daily_bars(KEY, date(2026, 7, 20), date(2026, 8, 30))
    assert bars[-1].date == date(2026, 7, 24)
    assert upstream.requests[0].query["FID_INPUT_DATE_2"] == "20260724"


def test_a_server_that_repeats_itself_is_left(kis, upstream):
    row = payload("chart.json")["output2"][0]
    page = [row | {"stck_bsop_date": f"{date(2026, 7, 23) - timedelta(days=n):%Y%m%d}"} for n in range(100)]
    upstream.always = json_answer(payload("chart.json") | {"output2": page})
    with pytest.raises(Malformed):
        kis.provider.daily_bars(KEY, date(2024, 1, 1), date(2026, 7, 23))
    assert len(upstream.requests) == 2


def test_a_code_that_kis_calls_wrong_is_unknown(kis, upstream):
    upstream.always = refusal("MCA05918", "종목코드 오류입니다.", 200)
    provider = kis.provider
    assert provider.quotes([KEY]) == []
    assert list(provider.daily_bars(KEY, date(2026, 1, 1), date(2026, 7, 1))) == []
    for ask in (provider.order_book, provider.company):
        with pytest.raises(NotFound):
            ask(KEY)


def test_an_unknown_company_costs_one_call(kis, upstream):
    with pytest.raises(NotFound):
        kis.provider.company(StockKey("999999"))
    assert len(upstream.requests) == 1


def test_a_company_is_described_in_two_calls(kis, upstream):
    company = kis.provider.company(StockKey("247540"))
    assert company.listing.name == "에코프로비엠"
    assert company.listing.market == "KOSDAQ"
    assert company.listing.sector == "일반전기전자"
    assert company.market_cap == Decimal(14_828_693) * 100_000_000
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("price", ["0", "NaN", "", "-71000"])
def test_a_price_that_cannot_be_true_is_left_out(kis, upstream, price):
    body = payload("price.json")
    body["output"]["stck_prpr"] = price
    upstream.always = json_answer(body)
    assert kis.provider.quotes([KEY]) == []


def test_a_quote_is_of_the_providers_clock(kis):
    (tick,) = kis.provider.quotes([KEY])
    assert NOW <= tick.as_of == tick.received_at <= NOW + timedelta(seconds=1)
