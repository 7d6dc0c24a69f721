"""`manage.py backfill` and `manage.py repair_gaps`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from stocks.models import CorporateAction, DailyBar, Dataset, Fetched, JobRun, Statement
from stocks.providers.tools import Rate
from stocks.selectors.loaded import loaded_stocks
from stocks.services.backfill import find_gaps, inside, wanted_of
from stocks.sessions import schedule
from stocks.tests.factories import ActionFactory, StockFactory, bars
from stocks.tests.market_provider import Exchange, Opened, standing_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

YEAR = schedule("XKRX").sessions(date(2024, 1, 1), date(2024, 10, 31))
SPAN = ("--from", "2024-01-01", "--to", "2024-10-31")


@pytest.fixture
def opened(settings, request) -> Iterator[Opened]:
    with standing_in(settings, "standin", **getattr(request, "param", {})) as (one,):
        yield one


@pytest.fixture
def exchange(opened: Opened) -> Exchange:
    return opened.exchange


def run(command: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command(command, *options, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return summary


def refused(command: str, *options: str) -> str:
    with pytest.raises(CommandError) as error:
        call_command(command, *options, stdout=StringIO())
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


def bar_questions(exchange: Exchange) -> list[str]:
    found = [one.removeprefix("/bars ") for one in exchange.questions if one.startswith("/bars ")]
    exchange.questions.clear()
    return found


def full(exchange: Exchange, *codes: str) -> None:
    """Stocks that the provider knows all about, and the database only by name."""
    for code in codes:
        StockFactory.create(code=code)
        exchange.flat(code, YEAR, "71000")
        exchange.actions[code] = [{"kind": "dividend", "ex_date": "2024-03-28", "amount": "361"}]
        exchange.statements[code] = [{"year": 2023, "filed": "2024-03-12", "revenue": "1000"}]


class TestBackfill:
    def test_it_works(self, exchange):
        full(exchange, "005930", "000660")
        summary = run("backfill", *SPAN)
        assert DailyBar.objects.count() == summary["inserted"] == 2 * len(YEAR)
        assert CorporateAction.objects.count() == Statement.objects.count() == 2
        assert summary["what"] == ["actions", "bars", "statements"]
        assert "stopped" not in summary
        row = JobRun.objects.get()
        assert (row.task, row.status) == ("backfill", "done")
        assert row.counts["inserted"] == summary["inserted"]

    def test_what_is_there_is_not_asked_for_again(self, exchange):
        full(exchange, "005930", "000660")
        run("backfill", *SPAN, "--code", "005930")
        assert exchange.asked == {"005930": 3}
        summary = run("backfill", *SPAN)
        assert exchange.asked == {"005930": 3, "000660": 3}
        assert (summary["bars_calls"], summary["actions_calls"], summary["statements_calls"]) == (1, 1, 1)
        run("backfill", *SPAN)
        assert exchange.asked == {"005930": 3, "000660": 3}

    @pytest.mark.parametrize("opened", [{"rates": (Rate(10, 3600.0),)}], indirect=True)
    def test_it_stops_politely_at_the_quota_and_goes_on_later(self, opened, exchange, redis_client):
        codes = [f"{number:06d}" for number in range(10)]
        full(exchange, *codes)
        before = timezone.now()
        summary = run("backfill", *SPAN, "--what", "bars")
        # Three stocks cost two calls each, and of the fourth one knows the splits.
        assert bar_questions(exchange) == codes[:3]
        assert summary["left"] == 7
        assert summary["stopped"] == [
            f"standin {kind}: standin: rate_limited" for kind in ("actions", "history")
        ]
        assert f"{before + timedelta(minutes=55):%Y-%m-%dT%H:%M:%SZ}" < summary["go_on_at"]
        for first, last in ((3, 7), (7, 10)):
            redis_client.flushdb()
            summary = run("backfill", *SPAN, "--what", "bars")
            assert bar_questions(exchange) == codes[first:last]
        assert "stopped" not in summary
        assert DailyBar.objects.count() == 10 * len(YEAR)

    def test_days_that_nobody_has_are_remembered_and_asked_for_again_by_order(self, exchange):
        full(exchange, "005930")
        exchange.bars["005930"] = exchange.bars["005930"][100:]
        assert run("backfill", *SPAN, "--what", "bars")["inserted"] == len(YEAR) - 100
        assert bar_questions(exchange) == ["005930"]
        (row,) = Fetched.objects.filter(name__startswith="absent:")
        assert row.name == f"absent:005930:{YEAR[0]}:{YEAR[99]}"
        summary = run("backfill", *SPAN, "--what", "bars")
        assert (summary["remembered"], summary["bars_calls"]) == (100, 0)
        assert bar_questions(exchange) == []
        run("backfill", *SPAN, "--what", "bars", "--again")
        assert bar_questions(exchange) == ["005930"]

    def test_a_stock_is_asked_about_since_its_listing(self, exchange):
        full(exchange, "005930")
        StockFactory._meta.model.objects.update(listed_on=YEAR[150])
        summary = run("backfill", *SPAN, "--what", "bars")
        assert summary["inserted"] == len(YEAR) - 150

    def test_what_a_file_says_stays_unless_it_is_told_otherwise(self, exchange):
        full(exchange, "005930")
        stock = StockFactory._meta.model.objects.get()
        bars(stock, [(day, 71_000) for day in YEAR[:50]])
        stock.daily_bars.filter(date=YEAR[49]).update(close=70_000, low=70_000)
        stock.daily_bars.update(source="csv")
        summary = run("backfill", *SPAN, "--what", "bars")
        assert (summary["inserted"], summary["differing"]) == (len(YEAR) - 50, 1)
        assert stock.daily_bars.get(date=YEAR[49]).close == 70_000
        summary = run("backfill", *SPAN, "--what", "bars", "--replace")
        assert summary["corrected"] == 1
        assert stock.daily_bars.get(date=YEAR[49]).close == 71_000

    def test_a_gap_in_a_file_on_another_share_basis_stays_a_gap(self, exchange):
        full(exchange, "005930")
        stock = StockFactory._meta.model.objects.get()
        bars(stock, [(day, 1_420) for day in (*YEAR[:20], *YEAR[25:])])
        summary = run("backfill", *SPAN, "--what", "bars")
        assert (summary["other_basis"], summary["inserted"]) == (1, 0)
        assert summary["notes"] == ["005930: the stored bars are on another share basis"]
        assert not stock.actions.filter(kind="rebase").exists()

    def test_bars_of_files_that_were_joined_are_never_replaced(self, exchange):
        full(exchange, "005930")
        stock = StockFactory._meta.model.objects.get()
        bars(stock, [(day, 1_420) for day in YEAR])
        ActionFactory.create(stock=stock, kind="rebase", ex_date=YEAR[30], ratio=5)
        summary = run("backfill", *SPAN, "--what", "bars", "--replace")
        assert summary["rebased"] == 1
        assert bar_questions(exchange) == []
        assert stock.daily_bars.get(date=YEAR[0]).close == 1_420

    def test_a_dry_run_says_what_it_would_ask_and_asks_nothing(self, exchange):
        full(exchange, "005930")
        summary = run("backfill", *SPAN, "--dry-run")
        assert (summary["dry_run"], summary["bars_calls"], summary["actions_calls"]) == (True, 1, 1)
        assert not exchange.questions
        assert not JobRun.objects.exists()
        assert Dataset.objects.get().origin == "empty"

    def test_a_market_and_codes_narrow_it(self, exchange):
        full(exchange, "005930", "000660")
        StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
        assert run("backfill", *SPAN, "--market", "NASDAQ", "--dry-run")["stocks"] == 1
        assert run("backfill", *SPAN, "--code", "005930", "--dry-run")["stocks"] == 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--code", "NOSUCH"], "NOSUCH: there is no such stock"),
            (["--market", "MOON"], "there is no such market"),
            (["--market", "NSE"], "There are no stocks on NSE"),
            (["--from", "yesterday"], "no date"),
            (["--what", "news"], "any of bars, actions, statements"),
        ],
    )
    def test_what_cannot_be_done_is_said_in_one_line(self, exchange, options, message):
        full(exchange, "005930")
        assert message in refused("backfill", *options)
        assert not exchange.questions

    def test_without_a_provider_there_is_nobody_to_ask(self, settings):
        StockFactory.create()
        settings.MARKET_DATA = []
        assert "MARKET_DATA names no provider" in refused("backfill")

    @pytest.mark.parametrize("names", [["standin"], ["sandbox"], []])
    def test_a_database_of_the_sandbox_is_refused(self, exchange, settings, names):
        full(exchange, "005930")
        Dataset.objects.update(origin="sandbox")
        settings.MARKET_DATA = names
        for command in ("backfill", "repair_gaps"):
            assert "never mix" in refused(command)
        assert not DailyBar.objects.exists()


class TestRepairGaps:
    def _stock(self, *missing: int):
        stock = StockFactory.create(code="005930")
        bars(stock, [(day, 71_000) for at, day in enumerate(YEAR) if at not in missing])
        return stock

    def test_it_works(self, exchange, tmp_path):
        self._stock(10, 11, 12, 40)
        exchange.flat("005930", YEAR, "71000")
        report = tmp_path / "gaps.csv"
        summary = run("repair_gaps", "--report", str(report))
        assert (summary["gaps"], summary["missing_sessions"], summary["stocks_with_gaps"]) == (2, 4, 1)
        assert summary["codes"] == ["005930"]
        assert summary["inserted"] == 4
        assert bar_questions(exchange) == ["005930"]
        with report.open() as file:
            assert list(csv.reader(file)) == [
                ["code", "first", "last", "sessions"],
                ["005930", str(YEAR[10]), str(YEAR[12]), "3"],
                ["005930", str(YEAR[40]), str(YEAR[40]), "1"],
            ]
        assert run("repair_gaps")["gaps"] == 0

    def test_holidays_are_no_gaps(self, exchange):
        self._stock()
        assert run("repair_gaps")["gaps"] == 0
        assert not exchange.questions

    def test_what_lies_before_the_first_and_after_the_last_bar_is_no_gap(self, exchange):
        self._stock(*range(50), *range(100, len(YEAR)))
        assert run("repair_gaps")["gaps"] == 0

    def test_days_on_which_a_stock_was_halted_are_asked_for_once(self, exchange):
        self._stock(10, 11, 12)
        exchange.flat("005930", [day for at, day in enumerate(YEAR) if at not in (10, 11, 12)], "71000")
        assert run("repair_gaps")["missing_sessions"] == 3
        assert bar_questions(exchange) == ["005930"]
        summary = run("repair_gaps")
        assert (summary["gaps"], summary["remembered"]) == (0, 3)
        assert bar_questions(exchange) == []
        assert run("repair_gaps", "--again")["gaps"] == 1

    def test_a_dry_run_reports_without_a_provider(self, settings):
        settings.MARKET_DATA = []
        self._stock(10)
        assert run("repair_gaps", "--dry-run")["gaps"] == 1
        assert "MARKET_DATA names no provider" in refused("repair_gaps")

    def test_days_narrow_it(self, exchange):
        self._stock(10, 40)
        summary = run("repair_gaps", "--dry-run", "--from", str(YEAR[20]), "--to", str(YEAR[60]))
        assert summary["gaps"] == 1

    def test_near_gaps_are_one_call_and_far_ones_are_two(self):
        self._stock(10, 40, 180)
        stocks = loaded_stocks(asked="bars")
        gaps, _ = find_gaps(stocks, inside(None, None))
        wanted = list(wanted_of(gaps))
        assert [(one.start, one.end) for one in wanted] == [(YEAR[10], YEAR[40]), (YEAR[180], YEAR[180])]

    def test_looking_costs_the_same_queries_for_1_stock_and_for_20(self, django_assert_num_queries):
        self._stock(10)
        with django_assert_num_queries(3):
            find_gaps(loaded_stocks(asked="bars"), inside(None, None))
        for number in range(19):
            bars(StockFactory.create(code=f"{number:06d}"), [(YEAR[0], 1), (YEAR[3], 1)])
        with django_assert_num_queries(3):
            assert len(find_gaps(loaded_stocks(asked="bars"), inside(None, None))[0]) == 20
