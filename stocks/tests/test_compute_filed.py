from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from stocks.compute.filed import read_filed, read_snapshots, read_splits
from stocks.indicators.facts import Facts
from stocks.models import FundamentalSnapshot
from stocks.tests.factories import ActionFactory, StatementFactory, StockFactory

pytestmark = pytest.mark.django_db

ON = date(2025, 6, 2)


def test_statements_are_read_as_columns_in_the_order_that_was_asked_for():
    first, second, third = StockFactory.create_batch(3)
    StatementFactory.create(
        stock=second,
        fiscal_quarter=2,
        filed_on=date(2024, 8, 14),
        period_end=date(2024, 6, 30),
        revenue=Decimal("123456789012.5"),
        ppe=Decimal("-3"),
        eps=Decimal("12.34"),
        shares_outstanding=5_969_782_550,
    )
    StatementFactory.create(
        stock=third, period_type="annual", fiscal_quarter=None, basis_on=ON, currency="USD"
    )
    StatementFactory.create(stock=first, filed_on=date(2025, 8, 14))
    filed = read_filed([third.id, second.id, first.id], through=ON)
    assert len(filed) == 2
    by_stock = dict(zip(filed.stock.tolist(), range(2), strict=True))
    one, other = by_stock[1], by_stock[0]
    assert [filed.fiscal_year[one], filed.fiscal_quarter[one]] == [2024, 2]
    assert filed.filed_on[one] == np.datetime64("2024-08-14")
    assert filed.basis_on[one] == np.datetime64("2024-06-30")
    assert filed.currency.tolist() == [{one: "KRW", other: "USD"}[row] for row in range(2)]
    read = {item: column[one] for item, column in filed.values.items() if not np.isnan(column[one])}
    assert read == {"revenue": 123456789012.5, "ppe": -3.0, "eps": 12.34, "shares_outstanding": 5969782550.0}
    assert filed.fiscal_quarter[other] == 0
    assert filed.basis_on[other] == np.datetime64(ON)


def test_without_a_period_end_the_shares_are_those_of_the_filing():
    stock = StockFactory.create()
    StatementFactory.create(stock=stock, filed_on=date(2024, 10, 31))
    assert read_filed([stock.id]).basis_on.tolist() == [date(2024, 10, 31)]


def test_a_currency_that_is_none_never_breaks_a_row():
    stock = StockFactory.create()
    StatementFactory.create(stock=stock, currency="₩")
    assert read_filed([stock.id]).currency.tolist() == ["???"]


def test_of_stocks_without_papers_nothing_is_read():
    stock = StockFactory.create()
    assert len(read_filed([stock.id])) == len(read_filed([])) == 0
    assert len(read_snapshots([stock.id]).stock) == len(read_splits([stock.id], through=ON).stock) == 0


def test_splits_that_have_taken_effect_are_read_and_dividends_are_not():
    stock = StockFactory.create()
    ActionFactory.create(stock=stock, kind="bonus", ex_date=date(2025, 1, 2), ratio=Decimal("1.1"))
    ActionFactory.create(stock=stock, kind="split", ex_date=date(2025, 7, 1), ratio=Decimal(50))
    ActionFactory.create(stock=stock, kind="dividend", ex_date=date(2025, 1, 2), amount=Decimal(361))
    splits = read_splits([stock.id], through=ON)
    assert splits.ratio.tolist() == [1.1]
    assert splits.ex_date.tolist() == [date(2025, 1, 2)]


def test_facts_are_worked_out_from_what_is_stored():
    stock = StockFactory.create()
    for quarter, filed_on in enumerate(
        (date(2024, 5, 15), date(2024, 8, 14), date(2024, 11, 14), date(2025, 3, 20)), start=1
    ):
        StatementFactory.create(
            stock=stock, fiscal_quarter=quarter, filed_on=filed_on, eps=100, net_profit=10**9 + quarter
        )
    FundamentalSnapshot.objects.create(
        stock=stock, as_of=ON, currency="KRW", forward_eps=500, forward_dps=12, source="test"
    )
    ActionFactory.create(stock=stock, ex_date=date(2024, 9, 2), ratio=Decimal(2))
    ids = [stock.id]
    facts = Facts.of(
        read_filed(ids),
        on=np.array([ON], dtype="datetime64[D]"),
        splits=read_splits(ids, through=ON),
        snapshots=read_snapshots(ids),
    )
    assert facts.ttm("net_profit").tolist() == [4 * 10**9 + 10]
    assert facts.ttm("eps").tolist() == [50 + 50 + 100 + 100]
    assert not facts.per_share[0]
    assert facts.published.forward_eps.tolist() == [500]
    assert facts.published.forward_dps.tolist() == [12]
    assert facts.published.known.tolist() == [False]
