"""Statements of providers against the rules and what is stored; exchange rates as they are scheduled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from stocks.models import Dataset, JobRun, Statement
from stocks.models import FxRate as StoredRate
from stocks.services.fx_schedule import run_fx
from stocks.services.statements import StoredStatements, store_statements, why_refused
from stocks.tests.factories import StatementFactory, StockFactory
from stocks.tests.market_provider import standing_in
from stocks.tests.standin import Answer
from stocks.types import StatementData

pytestmark = pytest.mark.django_db

TODAY = date(2024, 11, 20)
FILED = StatementData(
    period_type="quarterly",
    fiscal_year=2024,
    fiscal_quarter=3,
    period_end=date(2024, 9, 30),
    filed_on=date(2024, 11, 14),
    currency="KRW",
    revenue=Decimal("79098731000000"),
    eps=Decimal("1440.123456789"),
    shares_outstanding=5_969_782_550,
)


class TestStatements:
    def _store(self, stock, *given: StatementData, source: str = "yahoo") -> StoredStatements:
        return store_statements(stock.id, given, code=stock.code, source=source, today=TODAY)

    def test_it_works(self):
        stock = StockFactory.create()
        annual = replace(FILED, period_type="annual", fiscal_quarter=None)
        assert self._store(stock, FILED, annual) == StoredStatements(inserted=2)
        row = Statement.objects.get(period_type="quarterly")
        assert (row.source, row.revenue, row.eps) == (
            "yahoo",
            Decimal("79098731000000"),
            Decimal("1440.12345679"),
        )
        assert row.net_profit is None
        assert self._store(stock, FILED, annual) == StoredStatements(unchanged=2)

    def test_a_restatement_is_a_further_row(self):
        stock = StockFactory.create()
        self._store(stock, FILED)
        assert self._store(stock, replace(FILED, filed_on=date(2024, 11, 18))).inserted == 1

    def test_a_source_corrects_itself_and_what_a_file_says_stays(self):
        stock = StockFactory.create()
        self._store(stock, FILED)
        assert self._store(stock, replace(FILED, revenue=Decimal(5))) == StoredStatements(corrected=1)
        other = StatementFactory.create(filed_on=FILED.filed_on, revenue=Decimal(7), source="csv")
        assert self._store(other.stock, FILED) == StoredStatements(differing=1)
        other.refresh_from_db()
        assert other.revenue == 7

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"period_type": "monthly"}, "neither"),
            ({"fiscal_quarter": None}, "the quarter does not fit"),
            ({"fiscal_quarter": 5}, "no quarter"),
            ({"filed_on": date(2025, 1, 1)}, "the filing date"),
            ({"period_end": date(2024, 11, 15)}, "before its period ended"),
            ({"fiscal_year": 2100}, "the fiscal year"),
            ({"currency": "won"}, "no currency"),
            ({"revenue": Decimal("NaN")}, "the revenue is out of range"),
            ({"revenue": Decimal("1e16")}, "the revenue is out of range"),
            ({"shares_outstanding": 0}, "the shares outstanding is out of range"),
            ({"revenue": None, "eps": None, "shares_outstanding": None}, "no figures"),
        ],
    )
    def test_what_cannot_be_a_statement_is_refused(self, change, reason):
        one = replace(FILED, **change)
        assert reason in (why_refused(one, TODAY) or "")
        result = self._store(StockFactory.create(), one)
        assert (result.inserted, len(result.refused)) == (0, 1)
        assert not Statement.objects.exists()


class TestRates:
    """Exchange rates as they are scheduled, from a provider over HTTP."""

    TUESDAY = datetime(2024, 11, 12, 9, 7, tzinfo=UTC)

    @pytest.fixture
    def opened(self, settings, redis_client):
        for currency in ("KRW", "USD", "INR"):
            StockFactory.create(currency=currency)
        with standing_in(settings, "standin") as (one,):
            one.now = lambda: self.TUESDAY
            one.exchange.rates = {"USDKRW": "1395.5", "USDINR": "84.37", "USDEUR": "0.92"}
            yield one

    def test_it_works(self, opened):
        run_fx(now=self.TUESDAY)
        assert {(row.base, row.quote): row.rate for row in StoredRate.objects.all()} == {
            ("USD", "KRW"): Decimal("1395.5"),
            ("USD", "INR"): Decimal("84.37"),
        }
        row = JobRun.objects.get()
        assert (row.task, row.slot, row.status) == ("refresh_fx", "2024-11-12T09:00:00Z", "done")
        assert row.counts["stored"] == 2
        assert Dataset.objects.get().origin == "real"

    def test_once_an_hour_and_not_while_currencies_rest(self, opened):
        for minutes in (0, 20, 53):
            run_fx(now=self.TUESDAY + timedelta(minutes=minutes))
        assert len(opened.upstream.requests) == 2
        saturday = datetime(2024, 11, 16, 9, 7, tzinfo=UTC)
        assert run_fx(now=saturday) is None
        assert run_fx(now=saturday + timedelta(days=1)) is None
        assert run_fx(now=saturday + timedelta(days=1, hours=12)) is not None

    def test_a_pair_that_nobody_has_is_counted_and_others_are_stored(self, opened):
        del opened.exchange.rates["USDINR"]
        run_fx(now=self.TUESDAY)
        assert StoredRate.objects.get().quote == "KRW"
        assert JobRun.objects.get().counts["missing"] == 1

    def test_a_rate_that_cannot_be_believed_is_counted(self, opened):
        run_fx(now=self.TUESDAY)
        opened.exchange.rates["USDKRW"] = "0.000716589"
        run_fx(now=self.TUESDAY + timedelta(hours=1))
        assert JobRun.objects.latest("id").counts["refused"] == 1
        assert StoredRate.objects.get(quote="KRW").rate == Decimal("1395.5")

    def test_where_all_stocks_have_one_currency_nothing_is_asked(self, opened):
        StockFactory._meta.model.objects.exclude(currency="KRW").delete()
        assert run_fx(now=self.TUESDAY) is None

    def test_a_provider_that_fails_makes_a_failed_run(self, opened):
        opened.exchange.broken = Answer(b"oops", 500)
        run_fx(now=self.TUESDAY)
        assert JobRun.objects.get().status == "failed"
        assert not StoredRate.objects.exists()
