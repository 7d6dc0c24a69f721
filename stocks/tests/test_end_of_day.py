"""What is loaded once a market has closed, end to end to what a reader is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from stocks.models import (
    CorporateAction,
    DailyBar,
    Dataset,
    Fetched,
    JobRun,
    LatestIndicators,
    QuarantinedTick,
    Statement,
)
from stocks.providers.tools import Rate
from stocks.services.asking import Asker
from stocks.services.end_of_day import missing_bars, run_end_of_day
from stocks.sessions import schedule
from stocks.tests.doors import ask
from stocks.tests.factories import StockFactory, bars
from stocks.tests.loading_cases import version
from stocks.tests.market_provider import Exchange, Opened, standing_in
from stocks.tests.standin import Answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

#: Friday in Seoul, half an hour after the close.
FRIDAY = datetime(2024, 11, 8, 7, 0, tzinfo=UTC)
WEEK = [date(2024, 11, day) for day in (4, 5, 6, 7, 8)]
LONG = schedule("XKRX").sessions(date(2023, 6, 1), date(2024, 11, 8))


@pytest.fixture
def opened(settings, request) -> Iterator[Opened]:
    with standing_in(settings, "standin", **getattr(request, "param", {})) as (one,):
        yield one


@pytest.fixture
def exchange(opened: Opened) -> Exchange:
    return opened.exchange


def run(now: datetime = FRIDAY, **options: Any) -> JobRun:
    asker = Asker(**{"seconds": 60.0, "patience": 0.0, **options})
    assert run_end_of_day(now=now, asker=asker) is not None
    return JobRun.objects.latest("id")


def stored_days(code: str) -> list[date]:
    return list(DailyBar.objects.filter(stock__code=code).order_by("date").values_list("date", flat=True))


def questions(exchange: Exchange, path: str) -> list[str]:
    found = [one.removeprefix(f"{path} ") for one in exchange.questions if one.startswith(f"{path} ")]
    exchange.questions.clear()
    return found


def stock_with_bars(code: str, *days: date, close: int = 71_000, **values: Any):
    stock = StockFactory.create(code=code, **values)
    bars(stock, [(day, close) for day in days])
    return stock


def closes(code: str, **parameters: str) -> dict[str, Any]:
    """What the endpoint says, by day."""
    reply = ask(f"/v1/stocks/{code}/prices", from_date="2024-11-01", to_date="2024-11-30", **parameters)
    assert reply.status_code == 200, reply.content
    return {row["trade_date"]: row["close"] for row in reply.json()["prices"]}


def test_it_works(exchange):
    stock_with_bars("005930", *WEEK[:3])
    exchange.flat("005930", WEEK, "71000")
    before = version()
    row = run()
    assert stored_days("005930") == WEEK
    assert set(DailyBar.objects.filter(date__gt=WEEK[2]).values_list("source", flat=True)) == {"standin"}
    assert (row.task, row.slot, row.status) == ("end_of_day", "2024-11-08T07:00:00Z", "done")
    assert (row.counts["inserted"], row.counts["unchanged"]) == (2, 3)
    # Once for the bars, once for the indicators that follow them.
    assert version() == before + 2


def test_the_indicators_of_a_market_follow_once_its_bars_are_in(exchange):
    for code in ("005930", "000660"):
        stock_with_bars(code, *WEEK[:4])
    exchange.flat("005930", WEEK[:4], "71000")
    exchange.flat("005930", WEEK[4:], "72000")
    exchange.flat("000660", WEEK, "71000")
    row = run()
    assert row.counts["computed"] == 2
    figures = LatestIndicators.objects.order_by("stock__code").values_list("stock__code", "date", "change_1d")
    assert list(figures) == [("000660", WEEK[4], 0.0), ("005930", WEEK[4], pytest.approx(1.4085, abs=1e-4))]
    assert "computed" not in run(FRIDAY + timedelta(minutes=10)).counts


def test_a_market_whose_bars_are_not_all_in_waits(exchange, monkeypatch):
    for code in ("005930", "000660"):
        stock_with_bars(code, *WEEK[:4])
        exchange.flat(code, WEEK, "71000")
    monkeypatch.setattr("stocks.services.loading_bars.CHUNK", 1)
    row = run(seconds=0.0)
    assert "computed" not in row.counts and not LatestIndicators.objects.exists()
    assert run(FRIDAY + timedelta(minutes=10)).counts["computed"] == 2
    assert Dataset.objects.get().origin == "real"


def test_a_gap_of_several_days_costs_one_call_and_nothing_is_asked_twice(exchange):
    stock_with_bars("005930", WEEK[0])
    exchange.flat("005930", WEEK, "71000")
    run()
    assert questions(exchange, "/bars") == ["005930"]
    run(FRIDAY + timedelta(minutes=10))
    run(FRIDAY + timedelta(hours=5))
    assert questions(exchange, "/bars") == []


def test_a_session_counts_twenty_minutes_after_its_close(exchange):
    stock_with_bars("005930", *WEEK[:4])
    exchange.flat("005930", WEEK, "71000")
    run(datetime(2024, 11, 8, 6, 49, tzinfo=UTC))
    assert stored_days("005930") == WEEK[:4]
    run(datetime(2024, 11, 8, 6, 51, tzinfo=UTC))
    assert stored_days("005930") == WEEK


def test_each_market_follows_its_own_calendar():
    stock_with_bars("005930", *WEEK[:4])
    stock_with_bars("AAPL", *WEEK[:4], market_id="NASDAQ", currency="USD")
    at_seven = {one.stock.code: (one.start, one.end) for one in missing_bars(FRIDAY)}
    assert at_seven == {"005930": (WEEK[4], WEEK[4])}
    # New York closes at 21:00 UTC in winter; on the day after Thanksgiving at 18:00.
    night = {one.stock.code for one in missing_bars(datetime(2024, 11, 8, 21, 21, tzinfo=UTC))}
    assert night == {"005930", "AAPL"}
    early = {one.stock.code: one.end for one in missing_bars(datetime(2024, 11, 29, 18, 21, tzinfo=UTC))}
    assert early["AAPL"] == date(2024, 11, 29)
    weekend = {one.stock.code: one.end for one in missing_bars(datetime(2024, 11, 10, 12, tzinfo=UTC))}
    assert weekend == {"005930": WEEK[4], "AAPL": WEEK[4]}


def test_the_oldest_gap_is_asked_first_and_stocks_without_any_bar_last(exchange):
    stock_with_bars("000003", WEEK[2])
    stock_with_bars("000002", WEEK[0])
    StockFactory.create(code="000001")
    for code in ("000001", "000002", "000003"):
        exchange.flat(code, WEEK, "71000")
    run()
    assert questions(exchange, "/bars") == ["000002", "000003", "000001"]
    assert stored_days("000001") == WEEK


@pytest.mark.parametrize("opened", [{"rates": (Rate(10, 3600.0),)}], indirect=True)
def test_a_run_stops_at_the_quota_and_the_next_one_goes_on(opened, exchange, redis_client):
    codes = [f"{number:06d}" for number in range(10)]
    for code in codes:
        stock_with_bars(code, *WEEK[:4])
        exchange.flat(code, WEEK, "71000")
    row = run()
    assert questions(exchange, "/bars") == codes[:7]
    assert row.status == "done"
    assert (row.counts["inserted"], row.counts["left"]) == (7, 3)
    assert any("rate_limited" in line for line in row.errors)
    # An hour later the quota is free again.
    redis_client.flushdb()
    run(FRIDAY + timedelta(hours=1))
    assert questions(exchange, "/bars") == codes[7:]


def test_a_slot_runs_once(exchange):
    stock_with_bars("005930", *WEEK[:4])
    exchange.flat("005930", WEEK, "71000")
    run()
    assert run_end_of_day(now=FRIDAY + timedelta(minutes=9)) is None
    assert run_end_of_day(now=FRIDAY) is None
    assert JobRun.objects.count() == 1


def test_a_bar_that_does_not_come_is_asked_for_ever_more_rarely(exchange):
    stock_with_bars("005930", *WEEK[:4])
    exchange.flat("005930", WEEK[:4], "71000")
    times = [FRIDAY + timedelta(minutes=10 * step) for step in range(6 * 6)]
    for now in times:
        run(now)
    assert len(questions(exchange, "/bars")) == 6
    # A month without a bar: the stock is probably traded no more.
    later = datetime(2024, 12, 20, 12, tzinfo=UTC)
    for step in range(14):
        run(later + timedelta(days=step))
    assert len(questions(exchange, "/bars")) == 2


def test_a_stock_that_the_provider_lacks_does_not_keep_others_back(exchange):
    stock_with_bars("000001", WEEK[0])
    stock_with_bars("000002", *WEEK[:4])
    exchange.flat("000002", WEEK, "71000")
    row = run()
    assert stored_days("000002") == WEEK
    assert row.counts["missing"] == 1


def test_bars_that_cannot_be_true_are_refused_and_said(exchange):
    stock_with_bars("005930", *WEEK[:3])
    exchange.flat("005930", WEEK[:4], "71000")
    exchange.bars["005930"].append(["2024-11-08", "71000", "70000", "70500", "0", 5])
    row = run()
    assert stored_days("005930") == WEEK[:4]
    assert row.counts["refused"] == 1
    assert row.errors == ["005930 2024-11-08: the close is not above zero"]


def test_a_provider_that_fails_is_said_and_stores_nothing(exchange):
    stock_with_bars("005930", *WEEK[:4])
    exchange.broken = Answer(b"oops", 500)
    row = run()
    assert stored_days("005930") == WEEK[:4]
    assert row.counts["errors"] >= 1
    assert Fetched.objects.filter(name="bars:005930").count() == 0


@pytest.mark.parametrize("names", [[], ["sandbox"]])
def test_without_a_provider_of_real_data_nothing_runs(settings, exchange, names):
    stock_with_bars("005930", *WEEK[:4])
    settings.MARKET_DATA = names
    assert run_end_of_day(now=FRIDAY) is None
    assert not JobRun.objects.exists()


class TestSplits:
    """A split between two bars leaves no jump in ``adjust=split``."""

    @pytest.fixture
    def split(self, exchange):
        """Fifty for one on Thursday: 2,500,000 becomes 50,000."""
        exchange.flat("005930", WEEK[:3], "2500000", volume=100)
        exchange.flat("005930", WEEK[3:], "50000", volume=5000)
        exchange.actions["005930"] = [{"kind": "split", "ex_date": "2024-11-07", "ratio": "50"}]

    def test_over_the_endpoint_there_is_no_jump(self, exchange, split):
        stock_with_bars("005930", *WEEK[:3], close=2_500_000)
        row = run()
        assert row.counts["actions_inserted"] == 1
        assert closes("005930", adjust="none") == {
            **{day.isoformat(): 2_500_000 for day in WEEK[:3]},
            **{day.isoformat(): 50_000 for day in WEEK[3:]},
        }
        assert closes("005930") == {day.isoformat(): 50_000 for day in WEEK}

    def test_also_where_no_bar_was_stored_before(self, exchange, split):
        StockFactory.create(code="005930")
        run()
        assert closes("005930") == {day.isoformat(): 50_000 for day in WEEK}

    def test_the_split_is_asked_for_at_once_although_actions_were_asked_today(self, exchange, split):
        stock_with_bars("005930", *WEEK[:3], close=2_500_000)
        Fetched.objects.create(name="actions:005930", at=FRIDAY - timedelta(minutes=5))
        run()
        assert questions(exchange, "/actions") == ["005930"]
        assert CorporateAction.objects.get().ratio == 50

    @pytest.mark.parametrize("opened", [{"rates": (Rate(2, 3600.0),)}], indirect=True)
    def test_as_long_as_nobody_can_be_asked_about_splits_the_step_is_held_back(
        self, opened, exchange, split, redis_client
    ):
        stock_with_bars("005930", *WEEK[:3], close=2_500_000)
        row = run()
        # One call is all that scheduled work has of two an hour.
        assert questions(exchange, "/bars") == ["005930"]
        assert stored_days("005930") == WEEK[:3]
        assert row.counts["left"] == 1

    def test_a_fall_that_is_no_split_is_stored_as_it_is(self, exchange):
        stock_with_bars("005930", *WEEK[:3], close=10_000)
        exchange.flat("005930", WEEK[:3], "10000")
        exchange.flat("005930", WEEK[3:], "4000")
        exchange.actions["005930"] = []
        run()
        assert closes("005930")["2024-11-08"] == 4000
        assert closes("005930")["2024-11-06"] == 10_000

    def test_a_file_that_was_adjusted_before_is_not_adjusted_again(self, exchange):
        """A file delivered in November knows the split of September; prices since then are as traded."""
        days = schedule("XKRX").sessions(date(2024, 8, 1), WEEK[3])
        stock = stock_with_bars("005930", *days, close=50_000)
        stock.daily_bars.update(source="csv")
        exchange.flat("005930", days[:20], "2500000")
        exchange.flat("005930", [*days[20:], WEEK[4]], "50000")
        exchange.actions["005930"] = [
            {"kind": "split", "ex_date": days[20].isoformat(), "ratio": "50"},
            {"kind": "dividend", "ex_date": WEEK[1].isoformat(), "amount": "361"},
        ]
        row = run()
        assert row.counts["actions_refused"] == 1
        assert [one.kind for one in stock.actions.all()] == ["dividend"]
        assert closes("005930")["2024-11-08"] == 50_000
        assert stored_days("005930") == [*days, WEEK[4]]


class TestReports:
    def test_actions_are_asked_once_a_day_the_urgent_first(self, exchange, settings):
        settings.STOCK_INTEREST = [f"{__name__}.held"]
        for code in ("000001", "000002", "000003"):
            stock_with_bars(code, *WEEK)
            exchange.actions[code] = []
        for step in range(6 * 24 + 1):
            run(FRIDAY + timedelta(minutes=10 * step))
        assert questions(exchange, "/actions") == ["000003", "000001", "000002"] * 2

    def test_a_held_price_has_its_actions_asked_for_first_and_every_hour(self, exchange):
        for code in ("000001", "000002"):
            stock_with_bars(code, *WEEK)
            exchange.actions[code] = []
        QuarantinedTick.objects.create(code="000002", source="standin", reason="0.02", received_at=FRIDAY)
        for step in range(12):
            run(FRIDAY + timedelta(minutes=10 * step))
        assert questions(exchange, "/actions") == ["000002", "000001", "000002"]

    def test_announced_dividends_and_statements_are_stored(self, exchange):
        stock_with_bars("005930", *WEEK)
        exchange.actions["005930"] = [{"kind": "dividend", "ex_date": "2024-12-27", "amount": "361"}]
        exchange.statements["005930"] = [{"year": 2023, "filed": "2024-03-12", "revenue": "258935494000000"}]
        before = version()
        row = run()
        assert CorporateAction.objects.get().amount == 361
        filed = Statement.objects.get()
        assert (filed.revenue, filed.source) == (Decimal("258935494000000"), "standin")
        assert (row.counts["actions_inserted"], row.counts["statements_inserted"]) == (1, 1)
        assert version() == before + 3

    def test_statements_are_asked_a_few_at_a_time_and_once_a_week(self, exchange, monkeypatch):
        monkeypatch.setattr("stocks.services.end_of_day.STATEMENTS_PER_RUN", 2)
        for number in range(5):
            stock_with_bars(f"{number:06d}", *WEEK)
            exchange.statements[f"{number:06d}"] = []
        StockFactory.create(code="^KS11", kind="index")
        per_run = []
        for step in range(4):
            run(FRIDAY + timedelta(minutes=10 * step))
            per_run.append(len(questions(exchange, "/statements")))
        assert per_run == [2, 2, 1, 0]
        run(FRIDAY + timedelta(days=7, minutes=5))
        assert len(questions(exchange, "/statements")) == 2


def held() -> list[str]:
    return ["000003"]


def test_the_time_of_a_run_bounds_it(exchange):
    for number in range(5):
        stock_with_bars(f"{number:06d}", *WEEK[:4])
        exchange.flat(f"{number:06d}", WEEK, "71000")
    row = run(seconds=0.0)
    assert not exchange.questions
    assert row.counts["left"] == 5
    assert "the time of this run is up" in row.errors


def test_a_long_first_fill_brings_its_splits_with_it(exchange):
    StockFactory.create(code="005930")
    exchange.flat("005930", LONG, "71000")
    # A small one, which no step would give away.
    exchange.actions["005930"] = [{"kind": "bonus", "ex_date": "2024-01-10", "ratio": "1.1"}]
    run()
    assert CorporateAction.objects.get().ratio == Decimal("1.1")
    assert min(stored_days("005930")) >= WEEK[4] - timedelta(days=400)
