"""The ledger on a real database: what is projected from it, and what it refuses"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import UserFactory
from portfolios.errors import (
    ActionApplied,
    AlreadyReversed,
    CashNotRecorded,
    ExternalIdTaken,
    InsufficientQuantity,
    PortfolioNotFound,
)
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Oversell, fold
from portfolios.models import AppliedAction, CashBalance, Holding, Lot, Portfolio, Transaction
from portfolios.services.actions import actions_apply, exact_ratio
from portfolios.services.portfolios import portfolio_archive, portfolio_change
from portfolios.services.rebuilding import holdings_rebuild, portfolio_reconcile
from portfolios.services.recording import (
    Draft,
    Recorded,
    transaction_record,
    transaction_replace,
    transaction_reverse,
)
from portfolios.tests.ledger_cases import BEGAN, entry, figures
from portfolios.types import Method, TransactionType
from stocks.models import Stock
from stocks.tests.factories import ActionFactory, StockFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 11, 8, 6, tzinfo=UTC)
NUMBERS = ("quantity", "price", "amount", "fee", "tax", "ratio_to", "ratio_from")


def draft(kind: str, stock: Stock | None, day: int | None = None, **values: Any) -> Draft:
    numbers = {name: Decimal(str(value)) for name, value in values.items() if name in NUMBERS}
    others = {name: value for name, value in values.items() if name not in NUMBERS}
    currency = stock.currency if stock is not None else "USD"
    moment = None if day is None else BEGAN + timedelta(days=day)
    given = {"currency": currency, "traded_at": moment} | others | numbers
    return Draft(type=TransactionType(kind), stock=stock, **given)


def record(portfolio: Portfolio, *arguments: Any, **values: Any) -> Recorded:
    return transaction_record(portfolio=portfolio, draft=draft(*arguments, **values), now=NOW)


def sound(portfolio: Portfolio) -> bool:
    return portfolio_reconcile(portfolio_id=portfolio.pk) == []


def test_the_first_purchase_opens_a_holding_with_a_lot(portfolio, apple):
    done = record(portfolio, "BUY", apple, 0, quantity=10, price="150.25", fee="1.5")
    assert done.transaction.sequence == 1
    holding = Holding.objects.get()
    assert figures(holding.quantity, holding.cost) == (10, Decimal("1504"))
    assert [figures(lot.quantity, lot.cost) for lot in Lot.objects.all()] == [(10, Decimal("1504"))]
    portfolio.refresh_from_db()
    assert portfolio.base_currency == "USD"
    assert sound(portfolio)


def test_the_golden_case_by_every_method_from_the_same_rows(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100, fee=5)
    record(portfolio, "BUY", apple, 1, quantity=10, price=120, fee=5)
    record(portfolio, "SPLIT", apple, 2, ratio_to=2, ratio_from=1)
    record(portfolio, "SELL", apple, 3, quantity=15, price=80, fee=5)
    wanted = {
        "average": ("366.25", "1381.25"),
        "fifo": ("441.25", "1456.25"),
        "lifo": ("291.25", "1306.25"),
        "hifo": ("291.25", "1306.25"),
    }
    for method, (realized, cost) in wanted.items():
        portfolio_change(portfolio=portfolio, changes={"method": method}, now=NOW)
        holding = Holding.objects.get()
        assert figures(holding.realized, holding.cost) == (Decimal(realized), Decimal(cost)), method
        assert sound(portfolio)


def test_what_is_not_held_cannot_be_sold_and_nothing_is_written(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    with pytest.raises(InsufficientQuantity) as refused:
        record(portfolio, "SELL", apple, 1, quantity="10.5", price=100)
    assert refused.value.details == {
        "stock_code": "AAPL",
        "held": Decimal(10),
        "requested": Decimal("10.5"),
    }
    assert Transaction.objects.count() == 1
    assert sound(portfolio)


def test_an_earlier_sale_that_would_leave_a_later_one_without_shares_is_refused(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    record(portfolio, "SELL", apple, 5, quantity=8, price=100)
    with pytest.raises(InsufficientQuantity):
        record(portfolio, "SELL", apple, 3, quantity=3, price=100)
    record(portfolio, "SELL", apple, 3, quantity=2, price=100)
    assert Holding.objects.get().quantity == 0
    assert sound(portfolio)


def test_an_earlier_row_is_folded_in_at_its_place(portfolio, apple):
    portfolio_change(portfolio=portfolio, changes={"method": "fifo"}, now=NOW)
    record(portfolio, "BUY", apple, 4, quantity=10, price=200)
    record(portfolio, "SELL", apple, 5, quantity=5, price=250)
    record(portfolio, "BUY", apple, 1, quantity=5, price=100)
    holding = Holding.objects.get()
    assert figures(holding.realized, holding.cost) == (750, 2000)
    assert sound(portfolio)


def test_a_reversal_undoes_a_row_and_neither_counts(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    wrong = record(portfolio, "BUY", apple, 1, quantity=90, price=100).transaction
    undone = transaction_reverse(portfolio=portfolio, transaction_id=wrong.pk, now=NOW)
    assert undone.transaction.reverses == wrong
    assert undone.holding is not None and undone.holding.quantity == 10
    assert Transaction.objects.count() == 3
    for row in (wrong, undone.transaction):
        with pytest.raises(AlreadyReversed):
            transaction_reverse(portfolio=portfolio, transaction_id=row.pk, now=NOW)
    assert sound(portfolio)


def test_a_purchase_that_was_sold_on_cannot_be_undone_but_can_be_replaced(portfolio, apple):
    bought = record(portfolio, "BUY", apple, 0, quantity=10, price=100).transaction
    record(portfolio, "SELL", apple, 1, quantity=10, price=110)
    with pytest.raises(InsufficientQuantity):
        transaction_reverse(portfolio=portfolio, transaction_id=bought.pk, now=NOW)
    done = transaction_replace(
        portfolio=portfolio,
        transaction_id=bought.pk,
        draft=draft("BUY", apple, None, quantity=10, price=90),
        now=NOW,
    )
    assert figures(done.transaction.replaces, done.transaction.traded_at) == (bought, bought.traded_at)
    assert done.holding is not None and done.holding.realized == 200
    assert sound(portfolio)


def test_undoing_the_only_row_leaves_no_holding(portfolio, apple):
    bought = record(portfolio, "BUY", apple, 0, quantity=10, price=100).transaction
    assert transaction_reverse(portfolio=portfolio, transaction_id=bought.pk, now=NOW).holding is None
    assert not Holding.objects.exists() and not Lot.objects.exists()
    assert sound(portfolio)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE portfolios_transaction SET quantity = 1",
        "UPDATE portfolios_transaction SET note = 'x'",
        "DELETE FROM portfolios_transaction",
    ],
)
def test_the_database_refuses_to_change_the_ledger(portfolio, apple, statement):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)
    row = Transaction.objects.get()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.delete()
    row.quantity = Decimal(11)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.save()
    assert Transaction.objects.get().quantity == 10


@pytest.mark.parametrize("quantity", ["'NaN'", "0", "-1", "'Infinity'", "1e30"])
def test_the_database_refuses_numbers_that_are_none(portfolio, apple, quantity):
    insert = (
        "INSERT INTO portfolios_transaction (id, portfolio_id, sequence, type, stock_id, quantity, price,"
        " fee, tax, currency, traded_at, recorded_at, price_basis, note) VALUES"
        f" (gen_random_uuid(), %s, 1, 'BUY', %s, {quantity}, 1, 0, 0, 'USD', now(), now(), 'given', '')"
    )
    with pytest.raises(Exception, match=r"sane|overflow|numeric"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(insert, [portfolio.pk, apple.pk])


def test_cash_follows_every_row_of_a_portfolio_that_records_it(alice, apple, samsung):
    portfolio = Portfolio.objects.create(owner=alice, name="p", records_cash=True, base_currency="USD")
    record(portfolio, "DEPOSIT", None, 0, amount=5000)
    bought = record(portfolio, "BUY", apple, 1, quantity=10, price=100, fee=5).transaction
    record(portfolio, "BUY", samsung, 1, quantity=1, price=71000)
    record(portfolio, "DIVIDEND", apple, 2, amount=10, tax="1.5")
    record(portfolio, "FEE", None, 3, amount=3)
    cash = dict(CashBalance.objects.values_list("currency", "amount"))
    assert cash == {"USD": Decimal("4000.5"), "KRW": -71000}
    transaction_reverse(portfolio=portfolio, transaction_id=bought.pk, now=NOW)
    assert CashBalance.objects.get(currency="USD").amount == Decimal("5005.5")
    assert sound(portfolio)


def test_a_portfolio_without_cash_takes_no_deposit(portfolio):
    with pytest.raises(CashNotRecorded):
        record(portfolio, "DEPOSIT", None, 0, amount=10)


def test_an_external_id_is_taken_once(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=1, price=1, external_id="broker-1")
    with pytest.raises(ExternalIdTaken):
        record(portfolio, "BUY", apple, 1, quantity=1, price=1, external_id="broker-1")
    assert Transaction.objects.count() == 1


def test_an_archived_portfolio_takes_nothing_and_keeps_its_ledger(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=1, price=1)
    portfolio_archive(portfolio=portfolio, now=NOW)
    with pytest.raises(PortfolioNotFound):
        record(portfolio, "BUY", apple, 1, quantity=1, price=1)
    assert Transaction.objects.count() == 1


def test_splits_and_dividends_are_applied_once(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 2, 1), ratio=Decimal(4))
    ActionFactory.create(
        stock=apple, kind="dividend", ex_date=date(2024, 3, 1), amount=Decimal("0.25"), currency="USD"
    )
    ActionFactory.create(stock=apple, kind="dividend", ex_date=date(2023, 3, 1), amount=Decimal(9))
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 12, 1), ratio=Decimal(2))
    assert actions_apply(now=NOW) == 2
    assert actions_apply(now=NOW) == 0
    holding = Holding.objects.get()
    assert figures(holding.quantity, holding.cost, holding.income) == (40, 1000, 10)
    split = Transaction.objects.get(type="SPLIT")
    # New York opens at half past nine.
    assert split.traded_at == datetime(2024, 2, 1, 14, 30, tzinfo=UTC)
    with pytest.raises(ActionApplied):
        record(
            portfolio,
            "SPLIT",
            apple,
            traded_at=datetime(2024, 2, 1, 20, tzinfo=UTC),
            ratio_to=4,
            ratio_from=1,
        )
    assert sound(portfolio)


def test_a_purchase_of_a_past_day_meets_what_came_after_it(portfolio, apple):
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 2, 1), ratio=Decimal(4))
    ActionFactory.create(stock=apple, kind="dividend", ex_date=date(2024, 3, 1), amount=Decimal("0.25"))
    first = record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    assert first.holding is not None
    assert figures(first.holding.quantity, first.holding.income) == (40, 10)
    second = record(portfolio, "BUY", apple, 1, quantity=1, price=100)
    assert second.holding is not None
    assert figures(second.holding.quantity, second.holding.income) == (44, 11)
    transaction_reverse(portfolio=portfolio, transaction_id=first.transaction.pk, now=NOW)
    holding = Holding.objects.get()
    assert figures(holding.quantity, holding.income) == (4, 1)
    transaction_reverse(portfolio=portfolio, transaction_id=second.transaction.pk, now=NOW)
    assert sound(portfolio)
    assert not Holding.objects.filter(quantity__gt=0).exists()
    third = record(portfolio, "BUY", apple, 2, quantity=2, price=100)
    assert third.holding is not None
    assert figures(third.holding.quantity, third.holding.income) == (8, 2)
    assert sound(portfolio)


def test_an_action_that_was_recorded_by_hand_is_not_applied_again(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    record(portfolio, "SPLIT", apple, 30, ratio_to=4, ratio_from=1)
    record(portfolio, "DIVIDEND", apple, 70, amount="9.99")
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 2, 1), ratio=Decimal(4))
    ActionFactory.create(stock=apple, kind="dividend", ex_date=date(2024, 3, 1), amount=Decimal("0.25"))
    assert actions_apply(now=NOW) == 0
    assert AppliedAction.objects.filter(transaction__isnull=False).count() == 2
    assert Holding.objects.get().quantity == 40


def test_an_applied_action_that_was_reversed_stays_reversed(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    ActionFactory.create(stock=apple, kind="dividend", ex_date=date(2024, 3, 1), amount=Decimal(1))
    assert actions_apply(now=NOW) == 1
    paid = Transaction.objects.get(type="DIVIDEND")
    transaction_reverse(portfolio=portfolio, transaction_id=paid.pk, now=NOW)
    record(portfolio, "BUY", apple, 1, quantity=10, price=100)
    assert actions_apply(now=NOW) == 0
    assert Holding.objects.get().income == 0


def test_a_reverse_split_that_later_sales_contradict_is_left_out(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    record(portfolio, "SELL", apple, 60, quantity=9, price=100)
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 2, 1), ratio=Decimal("0.1"))
    assert actions_apply(now=NOW) == 0
    assert Holding.objects.get().quantity == 1


def test_a_ratio_of_ten_decimals_means_the_fraction_it_stands_for():
    assert figures(*exact_ratio(Decimal("0.3333333333"))) == (1, 3)
    assert figures(*exact_ratio(Decimal("1.5000000000"))) == (3, 2)
    assert figures(*exact_ratio(Decimal("1.0123456789"))) == (Decimal("1.0123456789"), 1)


def test_tampering_is_reported_and_mended_only_when_asked(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    Holding.objects.update(quantity=11)
    Lot.objects.update(cost=1)
    found = portfolio_reconcile(portfolio_id=portfolio.pk)
    assert len(found) == 2 and "quantity" in found[0] and "lot of row 1" in found[1]
    assert Holding.objects.get().quantity == 11
    assert holdings_rebuild(portfolio_id=portfolio.pk, now=NOW) == (1, found)
    assert sound(portfolio)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_changes_leave_what_a_model_says(db, data):
    """A list of rows, folded from the beginning after every change, is the model."""
    portfolio = Portfolio.objects.create(
        owner=UserFactory.create(),
        name="p",
        method=data.draw(st.sampled_from(Method)).value,
        records_cash=True,
    )
    stocks = [StockFactory.create(market_id="NASDAQ", currency="USD") for _ in range(2)]
    model: dict[int, list[Any]] = {stock.pk: [] for stock in stocks}
    written: dict[Any, Any] = {}

    def folded(rows: list[Any]) -> Any:
        return fold(sorted(rows, key=lambda row: (row.traded_at, row.sequence)), Method(portfolio.method))

    for _ in range(data.draw(st.integers(3, 12))):
        stock = data.draw(st.sampled_from(stocks))
        kind = data.draw(st.sampled_from(["BUY", "BUY", "SELL", "SPLIT", "DIVIDEND", "REVERSE"]))
        if kind == "REVERSE":
            if not written:
                continue
            done = data.draw(st.sampled_from(sorted(written.values(), key=lambda row: row.sequence)))
            rest = [row for row in model[done.stock_id] if row.sequence != done.sequence]
            try:
                folded(rest)
            except Oversell:
                with pytest.raises(InsufficientQuantity):
                    transaction_reverse(portfolio=portfolio, transaction_id=done.pk, now=NOW)
                continue
            transaction_reverse(portfolio=portfolio, transaction_id=done.pk, now=NOW)
            model[done.stock_id] = rest
            del written[done.pk]
            continue
        day = data.draw(st.integers(0, 20))
        values: dict[str, Any] = {"SPLIT": {"ratio_to": 3, "ratio_from": 2}}.get(kind) or {}
        if kind in ("BUY", "SELL"):
            values = {"quantity": data.draw(st.sampled_from(["1", "7", "0.3333333333"])), "price": "33.37"}
        elif kind == "DIVIDEND":
            values = {"amount": "1.23"}
        portfolio.refresh_from_db()
        moment = BEGAN + timedelta(days=day)
        row = entry(portfolio.last_sequence + 1, kind, traded_at=moment, stock=stock.pk, fx_rate=1, **values)
        try:
            folded([*model[stock.pk], row])
        except Oversell:
            with pytest.raises(InsufficientQuantity):
                record(portfolio, kind, stock, day, **values)
            continue
        done = record(portfolio, kind, stock, day, **values).transaction
        model[stock.pk].append(row)
        written[done.pk] = done
    assert sound(portfolio)
    for stock in stocks:
        holding = Holding.objects.filter(portfolio=portfolio, stock=stock).first()
        if not model[stock.pk]:
            assert holding is None
            continue
        position = folded(model[stock.pk])
        assert holding is not None
        assert figures(holding.quantity, holding.cost) == (position.quantity, position.cost)
        assert figures(holding.realized, holding.base_cost) == (position.realized, position.base_cost)
        lots = Lot.objects.filter(holding=holding)
        with exactly():
            assert sum((lot.quantity for lot in lots), Decimal(0)) == holding.quantity
            assert sum((lot.cost for lot in lots), Decimal(0)) == holding.cost
