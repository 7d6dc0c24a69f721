"""The newest quotes in Redis."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.tests.outages import absent_redis, forget_outages
from stocks import quote_cache
from stocks.models import Market, Quote
from stocks.quote_cache import CachedQuote, QuoteCache
from stocks.quotes import write_quotes
from stocks.selectors.symbols import prices_by_symbol
from stocks.services.quotes import read_quotes
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.tests.tick_cases import tick

pytestmark = pytest.mark.django_db
# 15:20 New York time on 19 September 2025, a Friday.
OPEN = datetime(2025, 9, 19, 19, 20, tzinfo=UTC)
CLOSED = datetime(2025, 9, 20, 12, tzinfo=UTC)
MONDAY = datetime(2025, 9, 22, 13, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def redis_there(redis_client):
    forget_outages()
    yield
    forget_outages()


@pytest.fixture
def aapl():
    return StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")


def cached(code: str = "AAPL") -> CachedQuote:
    return quote_cache.get_many([code])[code]


def quote(checked_at: datetime, **values) -> CachedQuote:
    return CachedQuote(tick("AAPL", "245.5", **values), "USD", "XNYS", checked_at)


def test_it_works(aapl):
    one = tick("AAPL", "245.50", volume=None, low=None)
    QuoteCache().put([one])
    assert cached() == CachedQuote(one, "USD", "XNYS", checked_at=one.received_at)


def test_every_part_of_a_tick_comes_back_as_it_was(aapl):
    one = tick(
        "AAPL",
        "0.00000001",
        seq=2**63 - 1,
        as_of=datetime(2025, 9, 19, 19, 20, 0, 123_457, tzinfo=UTC),
        volume=0,
        open=Decimal("999999999999.99999999"),
        high=Decimal("1E+3"),
        previous_close=None,
    )
    QuoteCache().put([one])
    assert cached().tick == one


def test_a_price_is_rounded_as_the_database_rounds_it(aapl):
    one = tick("AAPL", "1.000000005", open=Decimal("1.0000000149"))
    write_quotes([one])
    QuoteCache().put([one])
    stored = Quote.objects.get()
    assert (cached().tick.price, cached().tick.open) == (stored.price, stored.open)


@pytest.mark.parametrize(
    ("seconds", "seq"), [(-1, 9), (0, 0), (0, 2**62 - 1)], ids=["older", "smaller number", "one less"]
)
def test_an_older_tick_changes_nothing(aapl, seconds, seq):
    stored = tick("AAPL", "245.5", seq=2**62)
    cache = QuoteCache()
    cache.put([stored])
    cache.put([tick("AAPL", "1", as_of=stored.as_of + timedelta(seconds=seconds), seq=seq)])
    assert cached().tick == stored


def test_the_same_tick_is_fresh_for_longer_where_it_was_checked_again():
    one = tick("AAPL", "245.5")
    quote_cache.remember([CachedQuote(one, "USD", "XNYS", OPEN)])
    quote_cache.remember([CachedQuote(one, "USD", "XNYS", OPEN + timedelta(seconds=9))])
    quote_cache.remember([CachedQuote(one, "USD", "XNYS", OPEN + timedelta(seconds=5))])
    assert cached().checked_at == OPEN + timedelta(seconds=9)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63 - 1])),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 12),
)
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_whatever_order_ticks_come_the_newest_stays(order, together):
    quote_cache.forget_all()
    ticks = [tick("AAPL", str(1 + place), as_of=OPEN + timedelta(seconds=s), seq=n)
             for place, (s, n) in enumerate(order)]  # fmt: skip
    for first in range(0, len(ticks), together):
        some = ticks[first : first + together]
        quote_cache.remember([CachedQuote(one, "USD", "XNYS", OPEN) for one in some])
    newest = max((one.as_of, one.seq) for one in ticks)
    assert (cached().tick.as_of, cached().tick.seq) == newest


def test_writers_at_the_same_time_leave_the_newest():
    ticks = [tick("AAPL", str(number + 1), as_of=OPEN, seq=number) for number in range(400)]
    barrier = threading.Barrier(8)

    def write(part: int) -> None:
        barrier.wait(30)
        for one in ticks[part::8]:
            quote_cache.remember([CachedQuote(one, "USD", "XNYS", OPEN)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert cached().tick == ticks[-1]


def test_many_are_put_in_parts_and_read_in_one_call():
    codes = [f"C{number}" for number in range(1203)]
    for code in codes:
        StockFactory.create(code=code)
    QuoteCache().put([tick(code) for code in codes])
    found = quote_cache.get_many([*codes, "ABSENT"])
    assert list(found) == codes


def test_a_code_that_no_stock_has_is_left_out(aapl):
    QuoteCache().put([tick("AAPL"), tick("NOSUCH")])
    assert list(quote_cache.get_many(["AAPL", "NOSUCH"])) == ["AAPL"]


def test_the_stocks_are_read_once_for_many_ticks(aapl, django_assert_num_queries):
    cache = QuoteCache()
    with django_assert_num_queries(1):
        for number in range(20):
            cache.put([tick("AAPL", seq=number), tick("NOSUCH")])


def test_times_before_1970_are_not_for_the_cache_and_stand_in_nobodys_way(aapl):
    old = tick("OLD", as_of=datetime(1969, 12, 31, tzinfo=UTC))
    quote_cache.remember([CachedQuote(old, "USD", "XNYS", OPEN), quote(OPEN)])
    assert list(quote_cache.get_many(["OLD", "AAPL"])) == ["AAPL"]


@pytest.mark.parametrize("entry", [b"", b"x", b"1 2 3", b"\xff", b"1 2 3 4 nan - - - - - s USD XNYS extra"])
def test_what_is_no_entry_is_not_there(redis_client, entry):
    redis_client.hset("quotes", "AAPL", entry)
    assert quote_cache.get_many(["AAPL"]) == {}
    quote_cache.remember([quote(OPEN)])
    assert cached() == cached()


# --- freshness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checked_at", "until"),
    [
        (OPEN, OPEN + timedelta(seconds=30)),
        (CLOSED, MONDAY),
        (MONDAY, MONDAY + timedelta(seconds=30)),
        (MONDAY - timedelta(seconds=1), MONDAY),
        # A second before the close: what comes with the close is still looked for.
        (datetime(2025, 9, 19, 19, 59, 59, tzinfo=UTC), datetime(2025, 9, 19, 20, 0, 29, tzinfo=UTC)),
        # The day after Thanksgiving, which ends early.
        (datetime(2025, 11, 28, 18, 30, tzinfo=UTC), datetime(2025, 12, 1, 14, 30, tzinfo=UTC)),
        # Beyond what the calendar knows.
        (datetime(2090, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, 0, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_quote_is_fresh_for_30_s_in_session_and_until_the_next_opening_outside(checked_at, until):
    one = quote(checked_at)
    assert one.fresh_until() == until
    assert one.is_fresh(until - timedelta(microseconds=1))
    assert not one.is_fresh(until)


def test_a_price_that_came_in_session_is_looked_at_once_more_after_the_close():
    # Or a last price that was missed would stay missed until the next opening.
    assert not quote(OPEN).is_fresh(CLOSED)


def test_the_invented_market_never_closes():
    assert quote(CLOSED, source="sandbox").fresh_until() == CLOSED + timedelta(seconds=30)


@pytest.mark.parametrize("source", ["test", "sandbox"])
@pytest.mark.parametrize("seconds", [0, 90, 91, 3600, 86_400, 4 * 86_400])
def test_it_is_stale_when_the_stored_quote_is(aapl, source, seconds):
    one = tick("AAPL", as_of=OPEN, received_at=OPEN, source=source)
    write_quotes([one])
    now = OPEN + timedelta(seconds=seconds)
    [(stock, price)] = prices_by_symbol(["AAPL"], now=now).found
    assert CachedQuote(one, "USD", "XNYS", OPEN).price(now) == price
    assert stock.code == "AAPL"


# --- reading ------------------------------------------------------------------------------------------------


def test_a_read_takes_what_is_fresh_and_asks_the_database_for_the_rest(aapl, django_assert_num_queries):
    now = datetime.now(UTC)
    msft = StockFactory.create(code="MSFT", market_id="NASDAQ", currency="USD")
    QuoteFactory.create(stock=aapl, price=Decimal("1"), as_of=now, received_at=now)
    QuoteFactory.create(stock=msft, price=Decimal("2"), as_of=now, received_at=now)
    with django_assert_num_queries(1):
        first = read_quotes(["MSFT", "AAPL"], now=now)
    with django_assert_num_queries(0):
        again = read_quotes(["MSFT", "AAPL"], now=now)
    assert [(one.code, int(one.price.price)) for one in again.found] == [("MSFT", 2), ("AAPL", 1)]
    assert again.found == first.found
    with django_assert_num_queries(1):
        mixed = read_quotes(["AAPL", "msft", "MSFT"], now=now)
    assert [one.code for one in mixed.found] == ["AAPL", "MSFT", "MSFT"]
    unknown = read_quotes(["AAPL", "XXX", "MSFT"], now=now)
    assert [one.code for one in unknown.found] == ["AAPL", "MSFT"]
    assert [symbol for symbol, _ in unknown.errors] == ["XXX"]


def test_a_code_in_small_letters_is_its_own_stock_where_there_is_one(aapl):
    now = datetime.now(UTC)
    small = StockFactory.create(code="aapl", market_id="NASDAQ")
    QuoteFactory.create(stock=aapl, price=Decimal("1"))
    QuoteFactory.create(stock=small, price=Decimal("2"))
    assert read_quotes(["AAPL"], now=now).one().price.price == 1
    for _ in range(2):
        assert read_quotes(["aapl"], now=now).one().price.price == 2


def test_a_newer_price_of_the_feed_is_read_at_once(aapl):
    cache, now = QuoteCache(), datetime.now(UTC)
    first = tick("AAPL", "1", source="sandbox")
    write_quotes([first])
    assert read_quotes(["AAPL"], now=now).one().price.price == 1
    second = tick("AAPL", "2", source="sandbox")
    write_quotes([second])
    cache.put([second])
    assert read_quotes(["AAPL"], now=now).one().price.price == 2


def test_a_price_that_is_not_fresh_is_read_where_it_is_kept(aapl):
    now = datetime.now(UTC)
    write_quotes([tick("AAPL", "1", source="sandbox", as_of=now - timedelta(seconds=40), received_at=now)])
    read_quotes(["AAPL"], now=now)
    # Another process wrote it, and Redis was away.
    write_quotes([tick("AAPL", "2", source="sandbox", as_of=now)])
    assert read_quotes(["AAPL"], now=now + timedelta(seconds=29)).one().price.price == 1
    assert read_quotes(["AAPL"], now=now + timedelta(seconds=30)).one().price.price == 2


def test_without_redis_reads_go_on(aapl, settings):
    QuoteFactory.create(stock=aapl, price=Decimal("1"))
    with absent_redis() as settings.REDIS_URL:
        assert read_quotes(["AAPL"], now=datetime.now(UTC)).one().price.price == 1
        assert quote_cache.get_many(["AAPL"]) == {}


def test_what_redis_did_not_take_is_put_with_the_next_ticks(aapl, settings):
    address, cache = settings.REDIS_URL, QuoteCache()
    StockFactory.create(code="MSFT")
    first = tick("AAPL", "1")
    cache.put([first])
    newer = tick("AAPL", "2")
    with absent_redis() as settings.REDIS_URL:
        cache.put([newer])
        cache.put([tick("AAPL", "3", as_of=first.as_of - timedelta(seconds=1))])
    settings.REDIS_URL = address
    forget_outages()
    assert cached().tick == first
    cache.put([tick("MSFT")])
    assert cached().tick == newer


# --- what empties it ----------------------------------------------------------------------------------------


def change_the_currency(stock) -> None:
    stock.currency = "EUR"
    stock.save()


def rename(stock) -> None:
    stock.code = "APPL"
    stock.save()


def delete(stock) -> None:
    stock.delete()


def delete_the_quote(stock) -> None:
    Quote.objects.filter(stock=stock).delete()


def change_the_calendar(stock) -> None:
    market = Market.objects.get(pk=stock.market_id)
    market.calendar = "XKRX"
    market.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change", [change_the_currency, rename, delete, delete_the_quote, change_the_calendar]
)
def test_a_change_by_hand_empties_it(aapl, change):
    QuoteFactory.create(stock=aapl)
    read_quotes(["AAPL"], now=datetime.now(UTC))
    assert "AAPL" in quote_cache.get_many(["AAPL"])
    change(aapl)
    assert quote_cache.get_many(["AAPL"]) == {}
    Market.objects.filter(pk="NASDAQ").update(calendar="XNYS")


@pytest.mark.django_db(transaction=True)
def test_a_loaded_listing_empties_it(aapl, tmp_path):
    quote_cache.remember([quote(OPEN)])
    file = tmp_path / "stocks.csv"
    file.write_text("code,name,market\nAAPL,Apple Inc.,NYSE\n")
    call_command("load_stocks", str(file))
    assert quote_cache.get_many(["AAPL"]) == {}
