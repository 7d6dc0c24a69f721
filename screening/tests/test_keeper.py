"""The columns of a process follow the database and the ticks"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.tests.outages import absent_redis
from screening.snapshot import keeper as keeping
from screening.snapshot.keeper import Keeper
from screening.snapshot.table import View
from screening.tests.keeping import absent_database, soon
from stocks import stream
from stocks.dataset import bump_version
from stocks.models import LatestIndicators, Stock
from stocks.quotes import write_quotes
from stocks.tests.factories import StockFactory, indicators
from stocks.tests.tick_cases import tick, update

pytestmark = pytest.mark.django_db(transaction=True)

#: What a second behind may take where others keep the machine busy.
A_SECOND = 3.0


@pytest.fixture
def samsung() -> Stock:
    stock = StockFactory.create(code="005930")
    indicators(stock, "2024-11-08", close_price=70_000.0, market_cap=4e14, per_ttm=10.0)
    return stock


@pytest.fixture
def keeper(samsung: Stock, redis_client: Any) -> Iterator[Keeper]:
    keeper = Keeper()
    yield keeper
    keeper.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("screen-")]


@pytest.fixture
def warm(keeper: Keeper) -> Keeper:
    assert keeper.wait(60) is not None
    return keeper


def figure(view: View | None, name: str, code: str = "005930") -> float | None:
    assert view is not None
    value = view.column(name)[view.snapshot.positions[code]]
    return None if value != value else float(value)


def is_figure(keeper: Keeper, close: float) -> Callable[[], bool]:
    """Whether the close is this one by now."""
    return lambda: figure(keeper.view(), "close_price") == close


def write(**figures: float) -> None:
    """As whoever computes indicators does."""
    with transaction.atomic():
        LatestIndicators.objects.update(**figures)
        bump_version()


def tell(redis_client: Any, price: str, code: str = "005930", **values: Any) -> None:
    """A tick of the invented market, which trades at any hour."""
    stream.append(redis_client, update(tick(code, price, source="sandbox", **values)))


def test_the_first_call_begins_and_waits_for_nothing(keeper):
    started = time.monotonic()
    assert keeper.view() is None
    assert time.monotonic() - started < 1
    soon(lambda: keeper.view() is not None, 60)
    assert figure(keeper.view(), "close_price") == 70_000.0
    assert figure(keeper.view(), "rsi_14") is None


def test_another_version_is_there_within_a_second(warm):
    for close in (71_000.0, 72_000.0, 73_000.0):
        write(close_price=close)
        assert soon(is_figure(warm, close)) < A_SECOND


def test_what_was_in_hand_stays_as_it_was(warm):
    before = warm.view()
    StockFactory.create(code="000660")
    write(close_price=1.0)
    soon(lambda: len(warm.view()) == 2)
    assert len(before) == 1
    assert figure(before, "close_price") == 70_000.0


def test_who_is_no_longer_listed_is_gone_with_the_next_version(warm, samsung):
    with transaction.atomic():
        Stock.objects.filter(pk=samsung.pk).update(is_active=False)
        bump_version()
    assert soon(lambda: len(warm.view()) == 0) < A_SECOND


def test_readers_see_whole_versions_only(warm, samsung):
    for number in range(300):
        indicators(StockFactory.create(code=f"S{number}"), close_price=0.0, market_cap=0.0)
    write(close_price=0.0, market_cap=0.0)
    soon(lambda: len(warm.view()) == 301)
    torn: list[Any] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            view = warm.view()
            if view is None:
                torn.append("no view")
            elif len({*view.column("close_price").tolist(), *view.column("market_cap").tolist()}) != 1:
                torn.append("two versions in one")

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for value in range(1, 9):
            write(close_price=float(value), market_cap=float(value))
            soon(is_figure(warm, float(value)))
    finally:
        done.set()
        for reader in readers:
            reader.join(30)
    assert not torn


def test_a_tick_is_seen_within_a_second_and_what_follows_from_it(warm, redis_client):
    for number in range(1, 4):
        tell(redis_client, str(70_000 + 700 * number), seq=number, volume=number)
        price = 70_000.0 + 700 * number
        assert soon(is_figure(warm, price)) < A_SECOND
        view = warm.view()
        assert figure(view, "change_1d") == pytest.approx(number)
        assert figure(view, "volume") == number
        assert figure(view, "per_ttm") == pytest.approx(10 * price / 70_000)
    assert warm.view().days[0].item() >= datetime.now(UTC).date() - timedelta(days=1)


def test_an_older_tick_changes_nothing(warm, redis_client):
    now = datetime.now(UTC)
    tell(redis_client, "75000", as_of=now)
    soon(lambda: figure(warm.view(), "close_price") == 75_000)
    tell(redis_client, "1", as_of=now - timedelta(seconds=5))
    tell(redis_client, "2", as_of=now, seq=0)
    tell(redis_client, "76000", "NOSUCH")
    stream_end = redis_client.xadd(stream.STREAM, {stream.FIELD: b"nonsense"})
    assert stream_end
    tell(redis_client, "77000", as_of=now + timedelta(milliseconds=1))
    soon(lambda: figure(warm.view(), "close_price") != 75_000)
    assert figure(warm.view(), "close_price") == 77_000


def test_ticks_are_kept_over_another_version(warm, redis_client):
    tell(redis_client, "75000")
    soon(lambda: figure(warm.view(), "close_price") == 75_000)
    StockFactory.create(code="000660")
    write(per_ttm=20.0)
    soon(lambda: len(warm.view()) == 2)
    assert figure(warm.view(), "close_price") == 75_000
    assert figure(warm.view(), "per_ttm") == pytest.approx(20 * 75 / 70)


def test_a_stock_that_was_not_listed_before_gets_its_ticks(warm, redis_client):
    tell(redis_client, "120", "000660")
    indicators(StockFactory.create(code="000660"), close_price=100.0)
    write(pbr=1.0)
    # The tick was passed over; it is still in the stream, for nobody has stored it.
    soon(lambda: len(warm.view()) == 2 and figure(warm.view(), "close_price", "000660") == 120.0)


def test_stored_quotes_are_there_from_the_beginning(keeper):
    now = datetime.now(UTC)
    write_quotes([tick("005930", "77000", source="sandbox", as_of=now, previous_close=None, volume=None)])
    view = keeper.wait(60)
    assert figure(view, "close_price") == 77_000
    assert figure(view, "volume") is None


def test_what_the_store_has_not_handled_yet_is_read_from_the_stream(keeper, redis_client):
    stream.ensure_groups(redis_client)
    tell(redis_client, "74000", seq=1)
    # Given out and not acknowledged: nobody knows whether it is stored.
    redis_client.xreadgroup("store", "somebody", {stream.STREAM: ">"})
    assert keeper.wait(60) is not None
    soon(lambda: figure(keeper.view(), "close_price") == 74_000)


def test_prices_are_those_that_the_database_would_read(warm, redis_client):
    for number, price in enumerate(("0.00000001", "123456789.12345678", "999999999999.99999999", "0.1"), 1):
        tell(redis_client, price, seq=number, previous_close=Decimal("0.3"))
        soon(is_figure(warm, float(Decimal(price))))


def test_while_the_database_is_away_the_last_version_goes_on(warm, redis_client):
    with absent_database():
        time.sleep(1)
        tell(redis_client, "75000")
        # Who asks the database waits for it first, as long as the pool of connections does.
        soon(lambda: figure(warm.view(), "close_price") == 75_000, seconds=60)
    write(close_price=71_000.0, per_ttm=30.0)
    soon(lambda: figure(warm.view(), "per_ttm") == pytest.approx(30 * 75 / 71))


def test_a_version_that_could_not_be_compared_for_long_is_not_trusted(warm, monkeypatch):
    monkeypatch.setattr(keeping, "TRUSTED_SECONDS", 1.0)
    with absent_database():
        soon(lambda: warm.view() is None)
        assert warm.standing() is not None
    soon(lambda: warm.view() is not None)


def test_while_redis_is_away_the_last_prices_stay_and_versions_go_on(warm, redis_client, settings):
    tell(redis_client, "75000")
    soon(lambda: figure(warm.view(), "close_price") == 75_000)
    address = settings.REDIS_URL
    with absent_redis() as settings.REDIS_URL:
        # Whoever waits on the connection of before is sent away.
        redis_client.client_kill_filter(_type="normal", skipme=True)
        write(per_ttm=20.0)
        soon(lambda: figure(warm.view(), "per_ttm") == pytest.approx(20 * 75 / 70))
        assert figure(warm.view(), "close_price") == 75_000
    settings.REDIS_URL = address
    tell(redis_client, "76000", seq=2)
    soon(lambda: figure(warm.view(), "close_price") == 76_000)


def test_an_emptied_redis_costs_no_tick_that_comes_after(warm, redis_client):
    tell(redis_client, "75000")
    soon(lambda: figure(warm.view(), "close_price") == 75_000)
    redis_client.flushdb()
    tell(redis_client, "76000", seq=2)
    soon(lambda: figure(warm.view(), "close_price") == 76_000)


def test_where_a_thread_has_ended_there_is_no_view_until_it_is_begun_anew(warm):
    for thread in warm._threads:
        thread.join(0)
    warm._stop.set()
    warm._wake.set()
    for thread in warm._threads:
        thread.join(10)
    assert warm.view() is None
    soon(lambda: warm.view() is not None)


def test_no_connection_is_held_between_two_looks(warm):
    def held() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
            (count,) = cursor.fetchone()
            return int(count)

    assert [held() for _ in range(10)] == [0] * 10
