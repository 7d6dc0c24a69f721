from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from django.db.models import Count, Max, Min

from stocks.compute import compute_indicators
from stocks.errors import SandboxAndRealData
from stocks.models import (
    CorporateAction,
    DailyBar,
    Dataset,
    FundamentalSnapshot,
    LatestIndicators,
    Quote,
    Statement,
    Stock,
)
from stocks.providers.sandbox import Sandbox
from stocks.providers.sandbox.chance import SEED
from stocks.providers.sandbox.events import splits
from stocks.providers.sandbox.universe import instruments
from stocks.quotes import write_quotes
from stocks.sandbox_fill import fill_sandbox
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import tick
from stocks.types import STATEMENT_LINES, StatementData, StockKey

#: A Wednesday evening in New York: every exchange has finished its session of that day.
NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)
SMALL = 30

pytestmark = pytest.mark.django_db


def _fill(now: datetime = NOW, size: int | None = SMALL):
    return fill_sandbox(sandbox=Sandbox(stocks_per_market=size), now=now)


def _bars(code: str) -> list[tuple]:
    names = ("date", "open", "high", "low", "close", "volume", "source")
    return list(DailyBar.objects.filter(stock__code=code).order_by("date").values_list(*names))


def _everything() -> list[list[tuple]]:
    """All rows of the market by the codes of their stocks, without ids and times of writing."""
    bar = ("stock__code", "date", "open", "high", "low", "close", "volume", "source")
    filed = (
        *("stock__code", "period_type", "fiscal_year", "fiscal_quarter", "filed_on"),
        *(*STATEMENT_LINES, "eps", "shares_outstanding"),
    )
    expected = ("stock__code", "as_of", "forward_eps", "forward_dps", "currency", "source")
    acted = ("stock__code", "kind", "ex_date", "ratio", "amount", "currency", "source")
    quoted = ("stock__code", "price", "previous_close", "open", "high", "low", "volume", "as_of", "source")
    listed = ("code", "name", "market_id", "kind", "sector", "industry", "shares_outstanding", "listed_on")
    return [
        sorted(model.objects.values_list(*names), key=repr)
        for model, names in (
            (Stock, listed),
            (DailyBar, bar),
            (Statement, filed),
            (FundamentalSnapshot, expected),
            (CorporateAction, acted),
            (Quote, quoted),
        )
    ]


def test_the_first_fill_brings_three_years_of_everything():
    summary = _fill()
    assert Stock.objects.count() == summary.stocks == 5 * SMALL + 4
    span = DailyBar.objects.filter(stock__code="005930").aggregate(first=Min("date"), last=Max("date"))
    assert span == {"first": date(2022, 11, 14), "last": date(2025, 11, 12)}
    assert DailyBar.objects.count() == summary.bars
    assert Statement.objects.count() == summary.statements
    assert CorporateAction.objects.count() == summary.actions
    assert Quote.objects.count() == summary.quotes == summary.stocks
    assert LatestIndicators.objects.count() == summary.indicators == summary.stocks
    quarters = Statement.objects.filter(period_type="quarterly").values("stock").annotate(n=Count("id"))
    assert min(row["n"] for row in quarters) >= 12
    dataset = Dataset.objects.get()
    assert (dataset.origin, dataset.sandbox_through) == ("sandbox", date(2025, 11, 12))
    assert dataset.version > 0


def test_every_value_says_that_it_is_of_the_sandbox():
    _fill()
    for model in (Stock, DailyBar, Statement, CorporateAction, Quote):
        assert set(model.objects.values_list("source", flat=True)) == {"sandbox"}


def test_the_stored_bars_are_those_of_the_provider():
    _fill()
    provider = Sandbox(stocks_per_market=SMALL, now=lambda: NOW)
    halted = set(DailyBar.objects.filter(open__isnull=True).values_list("stock__code", flat=True))
    for code in ("005930", "AAPL", "TCS.NS", "^NSEI", *sorted(halted)[:3]):
        provided = provider.daily_bars(StockKey(code), date(2022, 11, 13), NOW.date())
        assert _bars(code) == [
            (bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume, "sandbox") for bar in provided
        ]


def test_the_stored_statements_are_those_of_the_provider():
    _fill()
    provider = Sandbox(stocks_per_market=SMALL, now=lambda: NOW)
    names = [field.name for field in fields(StatementData)]
    split = (
        CorporateAction.objects.filter(kind="split").order_by("stock").values_list("stock__code", flat=True)
    )
    for code in ("005930", "AAPL", "TCS.NS", "105560", "^NSEI", *split[:3]):
        stored = Statement.objects.filter(stock__code=code).order_by("filed_on", "period_type")
        provided = provider.statements(StockKey(code), date(2018, 8, 25), NOW.date())
        assert [StatementData(**row) for row in stored.values(*names)] == list(provided)
        assert all((row.source, row.reported) == ("sandbox", {}) for row in stored)


def test_what_is_expected_is_told_with_every_quarter_and_follows_from_what_was_earned():
    _fill()
    told = list(FundamentalSnapshot.objects.filter(stock__code="005930").order_by("as_of"))
    quarters = Statement.objects.filter(stock__code="005930", period_type="quarterly").order_by("filed_on")
    filed = [one for one in quarters if one.filed_on > date(2022, 11, 12)]
    assert [one.as_of for one in told] == [one.filed_on for one in filed]
    earned = sum(one.net_profit for one in filed[-4:]) / filed[-1].shares_outstanding
    assert 0.8 < told[-1].forward_eps / earned < 1.3
    assert told[-1].forward_dps > 0


def test_a_quote_is_the_last_bar_until_something_trades():
    _fill()
    quote = Quote.objects.get(stock__code="005930")
    *_, before, last = _bars("005930")
    assert (quote.price, quote.open, quote.high, quote.low) == (last[4], *last[1:4])
    assert quote.previous_close == before[4]
    assert quote.as_of == datetime(2025, 11, 12, 6, 30, tzinfo=UTC)


def test_a_second_run_finds_nothing_missing(django_assert_max_num_queries):
    _fill()
    version = Dataset.objects.get().version
    with django_assert_max_num_queries(12):
        summary = _fill()
    assert (summary.stocks, summary.bars, summary.quotes) == (0, 0, 0)
    assert Dataset.objects.get().version == version


def test_a_second_run_of_a_day_off_finds_nothing_missing_either():
    chuseok = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
    _fill(datetime(2025, 10, 7, 4, 0, tzinfo=UTC))
    before = _everything()
    summary = fill_sandbox(sandbox=Sandbox(stocks_per_market=SMALL), now=chuseok)
    assert DailyBar.objects.filter(stock__code="005930").aggregate(last=Max("date"))["last"] == date(
        2025, 10, 2
    )
    assert summary.bars == Stock.objects.filter(market__country="IN").count()  # Mumbai alone has closed since
    assert len(before[1]) + summary.bars == DailyBar.objects.count()


def test_days_that_are_added_make_the_same_market_as_one_fill():
    _fill()
    at_once = _everything()
    for model in (
        *(LatestIndicators, Quote, CorporateAction),
        *(FundamentalSnapshot, Statement, DailyBar, Stock),
    ):
        model.objects.all().delete()
    Dataset.objects.update(origin="empty", sandbox_through=None)
    split = _a_late_split()
    for day in (date(2025, 8, 4), split, date(2025, 11, 11)):
        _fill(datetime(day.year, day.month, day.day, 22, 0, tzinfo=UTC))
    summary = _fill()
    assert summary.bars > 0
    assert summary.indicators == Stock.objects.count()
    longer = _everything()
    for whole, part in zip(at_once, longer, strict=True):
        # The history of the longer one begins earlier: it was filled for an earlier day.
        assert set(whole) <= set(part)
    assert at_once[0] == longer[0]
    assert at_once[5] == longer[5]


def _a_late_split() -> date:
    """A day of the last months on which a listed stock was split, so that shares change between two fills."""
    days = [
        split.ex_date
        for instrument in instruments(SEED, SMALL).values()
        for split in splits(SEED, instrument, NOW.date())
    ]
    return max([day for day in days if date(2025, 8, 4) < day < date(2025, 11, 11)], default=date(2025, 9, 1))


def test_a_traded_price_outlives_the_bars_that_are_added():
    _fill(datetime(2025, 11, 11, 22, 0, tzinfo=UTC))
    traded = tick("005930", "76500", as_of=datetime(2025, 11, 12, 8, 0, tzinfo=UTC))
    write_quotes([traded])
    _fill()
    assert Quote.objects.get(stock__code="005930").price == Decimal("76500")
    assert Quote.objects.get(stock__code="AAPL").as_of == datetime(2025, 11, 12, 21, 0, tzinfo=UTC)


def test_a_larger_market_is_added_to_a_smaller_one():
    _fill(size=20)
    summary = _fill(size=SMALL)
    assert summary.stocks == Stock.objects.count() - _count(20)
    assert not Stock.objects.filter(daily_bars__isnull=True).exists()


def _count(size: int) -> int:
    return sum(
        one.listed_on is None or one.listed_on <= NOW.date() for one in instruments(SEED, size).values()
    )


def test_real_data_are_not_mixed_with_the_sandbox():
    StockFactory.create(code="005930")
    Dataset.objects.update(origin="real")
    with pytest.raises(SandboxAndRealData):
        _fill()
    assert Stock.objects.count() == 1
    assert not DailyBar.objects.exists()


def test_a_fill_that_fails_leaves_nothing(monkeypatch):
    def fail(**options):
        raise RuntimeError("as a crash does")

    monkeypatch.setattr("stocks.sandbox_fill.service.compute_indicators", fail)
    with pytest.raises(RuntimeError):
        _fill()
    assert not Stock.objects.exists()
    assert not DailyBar.objects.exists()
    assert Dataset.objects.get().origin == "empty"


def test_progress_is_told_to_the_end():
    told: list[tuple[str, int, int]] = []
    fill_sandbox(sandbox=Sandbox(stocks_per_market=SMALL), now=NOW, progress=lambda *what: told.append(what))
    ended = {what for what, done, total in told if done == total}
    assert ended == {"bars", "statements and actions", "indicators"}


def test_a_halted_day_is_stored_without_a_range():
    _fill(size=400)
    halted = DailyBar.objects.filter(open__isnull=True)
    assert halted.exists()
    for bar in halted:
        assert (bar.high, bar.low, bar.volume) == (None, None, 0)


def test_the_whole_market_answers_the_screens_that_people_try_first():
    summary = _fill(size=None)
    assert summary.stocks > 2_600
    assert summary.bars > 1_700_000
    assert compute_indicators().unchanged == summary.stocks
    rows = LatestIndicators.objects.filter(stock__kind="equity")
    seed_2 = rows.filter(
        stock__market_id="KOSPI",
        per_ttm__range=(0, 15),
        pbr__range=(0, 1.5),
        roe__gte=10,
        dividend_yield_ttm__gte=3,
        quality_score__gte=70,
    )
    assert seed_2.count() >= 5
    assert rows.filter(change_1d__lte=-5).count() >= 3
    per = np.array(rows.filter(per_ttm__isnull=False).values_list("per_ttm", flat=True))
    # Unknown is NaN here, which is in no range.
    pbr = np.array(rows.values_list("pbr", flat=True), dtype=np.float64)
    roe = np.array(rows.values_list("roe", flat=True), dtype=np.float64)
    paid = np.array(rows.values_list("dividend_yield_ttm", flat=True), dtype=np.float64)
    assert len(per) > 2_000
    for figures, low, high in ((per, 3, 40), (pbr, 0.3, 6), (roe, -10, 35), (paid, 0, 7)):
        assert ((figures >= low) & (figures <= high)).mean() > 0.94
