"""The services of the ledger against a plain list of rows over fractions, in whatever order Hypothesis likes.

The model keeps what was asked for, knows nothing of stored lots or of projections, and counts everything from
the beginning after every step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import UserFactory
from portfolios.errors import InsufficientQuantity
from portfolios.models import CashBalance, Holding, Portfolio, Transaction
from portfolios.services.portfolios import portfolio_change
from portfolios.services.rebuilding import holdings_rebuild
from portfolios.services.recording import (
    Draft,
    Recorded,
    transaction_record,
    transaction_replace,
    transaction_reverse,
)
from portfolios.tests.identities import breaks_of
from portfolios.tests.ledger_cases import BEGAN, Naive
from portfolios.types import Entry, Method, TransactionType
from stocks.models import Stock
from stocks.tests.factories import StockFactory

NOW = datetime(2024, 11, 8, 6, tzinfo=UTC)
DAYS = 200
STOCKS = ("AAA", "BBB")
CASH = ("DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST", "TRANSFER_IN", "TRANSFER_OUT")
SHARES = (
    "BUY",
    "BUY",
    "BUY",
    "SELL",
    "SELL",
    "SELL",
    "DIVIDEND",
    "SPLIT",
    "BONUS",
    "TRANSFER_IN",
    "TRANSFER_OUT",
)
#: Lots bear the rounding of a split to ten decimals, at up to a thousand each.
NEAR = Fraction(1, 10**4)


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """A transaction of any of the twelve types, of a stock by its number or of cash alone."""
    day, second = draw(st.integers(0, DAYS)), draw(st.integers(0, 3))
    values: dict[str, Any] = {"traded_at": BEGAN + timedelta(days=day, seconds=second)}
    price, fee, tax = draw(decimals("1", "999", 2)), draw(decimals("0", "9", 2)), draw(decimals("0", "9", 2))
    if draw(st.integers(0, 4)) == 0:
        kind = draw(st.sampled_from(CASH))
        values |= {"type": kind, "stock": None, "amount": price}
        return values | ({"fee": fee, "tax": tax} if kind == "INTEREST" else {})
    kind = draw(st.sampled_from(SHARES))
    values |= {"type": kind, "stock": draw(st.sampled_from(range(len(STOCKS))))}
    by_ratio = kind == "SPLIT" or (kind == "BONUS" and draw(st.booleans()))
    if by_ratio:
        to, per = draw(st.sampled_from([(2, 1), (3, 2), (1, 2), (1, 3)] if kind == "SPLIT" else [(11, 10)]))
        return values | {"ratio_to": Decimal(to), "ratio_from": Decimal(per)}
    if kind == "DIVIDEND":
        return values | {"amount": price, "fee": fee, "tax": tax}
    values["quantity"] = draw(st.one_of(st.integers(1, 40).map(Decimal), decimals("0.001", "40", 3)))
    if kind in ("BUY", "SELL"):
        values |= {"price": price, "fee": fee, "tax": tax}
    elif kind == "TRANSFER_IN" or (kind == "TRANSFER_OUT" and draw(st.booleans())):
        values["price"] = price
    return values


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the model: what was asked for, and when it was written."""

    number: int
    values: dict[str, Any]

    @property
    def place(self) -> tuple[datetime, int]:
        return self.values["traded_at"], self.number


class Model:
    """Rows that count, in a list."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.written = 0

    def after(self, *, without: Row | None = None, plus: dict[str, Any] | None = None) -> list[Row]:
        """The rows that would count, in the order in which they take effect."""
        rows = [row for row in self.rows if row is not without]
        if plus is not None:
            rows.append(Row(self.written + 1 + (without is not None), plus))
        return sorted(rows, key=lambda row: row.place)

    @staticmethod
    def is_possible(rows: list[Row]) -> bool:
        held = [Fraction(0)] * len(STOCKS)
        for row in rows:
            values, kind = row.values, row.values["type"]
            if (stock := values["stock"]) is None:
                continue
            if "ratio_to" in values:
                held[stock] = held[stock] * Fraction(values["ratio_to"]) / Fraction(values["ratio_from"])
                held[stock] = Fraction(round(held[stock] * 10**10), 10**10)
            elif kind in ("SELL", "TRANSFER_OUT"):
                held[stock] -= Fraction(values["quantity"])
            elif kind != "DIVIDEND":
                held[stock] += Fraction(values["quantity"])
            if held[stock] < 0:
                return False
        return True

    def entries(self, stock: int) -> list[Entry]:
        return [
            Entry(
                sequence=row.number,
                currency="USD",
                **{**row.values, "type": TransactionType(row.values["type"])},
            )
            for row in sorted(self.rows, key=lambda row: row.place)
            if row.values["stock"] == stock
        ]

    def cash(self) -> Fraction:
        total = Fraction(0)
        for row in self.rows:
            values, kind = row.values, row.values["type"]
            amount = Fraction(values.get("amount", 0))
            traded = Fraction(values.get("quantity", 0)) * Fraction(values.get("price", 0))
            total -= Fraction(values.get("fee", 0)) + Fraction(values.get("tax", 0))
            if kind in ("BUY", "SELL"):
                total += traded if kind == "SELL" else -traded
            elif kind in ("DEPOSIT", "INTEREST", "DIVIDEND", "TRANSFER_IN"):
                total += amount
            else:
                total -= amount
        return total


class Ledger(RuleBasedStateMachine):
    """A portfolio with cash, and its model."""

    recorded = Bundle("recorded")

    @initialize(method=st.sampled_from(Method))
    def open(self, method: Method) -> None:
        self.portfolio = Portfolio.objects.create(
            owner=UserFactory.create(), name="p", method=method.value, base_currency="USD", records_cash=True
        )
        self.stocks = [_stock(code) for code in STOCKS]
        self.model, self.method, self.touched = Model(), method, True

    @rule(target=recorded, values=asked())
    def record(self, values: dict[str, Any]) -> Any:
        possible = self.model.is_possible(self.model.after(plus=values))
        done = self._ask(
            possible,
            lambda: transaction_record(portfolio=self.portfolio, draft=self._draft(values), now=NOW),
        )
        return multiple() if done is None else (done.transaction.pk, self._written(values))

    @rule(one=consumes(recorded))
    def reverse(self, one: tuple[UUID, Row]) -> None:
        key, row = one
        possible = self.model.is_possible(self.model.after(without=row))
        done = self._ask(
            possible, lambda: transaction_reverse(portfolio=self.portfolio, transaction_id=key, now=NOW)
        )
        if done is not None:
            self.model.rows.remove(row)
            self.model.written += 1

    @rule(target=recorded, one=consumes(recorded), values=asked(), same_time=st.booleans())
    def replace(self, one: tuple[UUID, Row], values: dict[str, Any], same_time: bool) -> Any:
        key, row = one
        draft = self._draft(values)
        if same_time:
            # Without a time the new row has that of the old one.
            values = {**values, "traded_at": row.values["traded_at"]}
            draft = replace(draft, traded_at=None)
        possible = self.model.is_possible(self.model.after(without=row, plus=values))
        done = self._ask(
            possible,
            lambda: transaction_replace(portfolio=self.portfolio, transaction_id=key, draft=draft, now=NOW),
        )
        if done is None:
            return multiple()
        self.model.rows.remove(row)
        self.model.written += 1
        return done.transaction.pk, self._written(values)

    @rule(method=st.sampled_from(Method))
    def change_method(self, method: Method) -> None:
        portfolio_change(portfolio=self.portfolio, changes={"method": method.value}, now=NOW)
        self.portfolio.method, self.method, self.touched = method.value, method, True

    @precondition(lambda self: self.model.rows)
    @rule()
    def lose_the_projections(self) -> None:
        Holding.objects.filter(portfolio=self.portfolio).delete()
        CashBalance.objects.filter(portfolio=self.portfolio).update(amount=1)
        counted, breaks = holdings_rebuild(portfolio_id=self.portfolio.pk, now=NOW)
        assert counted == len(self.model.rows)
        assert breaks or not any(row.values["stock"] is not None for row in self.model.rows)

    @invariant()
    def it_is_what_the_model_says(self) -> None:
        if not self.touched:
            return
        self.touched = False
        assert breaks_of(self.portfolio) == []
        assert Transaction.objects.filter(portfolio=self.portfolio).count() == self.model.written
        cash = CashBalance.objects.filter(portfolio=self.portfolio).first()
        assert Fraction(cash.amount if cash is not None else 0) == self.model.cash()
        stored = {one.stock_id: one for one in Holding.objects.filter(portfolio=self.portfolio)}
        for number, stock in enumerate(self.stocks):
            entries = self.model.entries(number)
            holding = stored.get(stock.pk)
            assert (holding is None) == (not entries)
            if holding is None:
                continue
            naive = Naive(self.method).take(entries)
            assert Fraction(holding.quantity) == naive.quantity
            assert Fraction(holding.income) == naive.income
            assert abs(Fraction(holding.cost) - naive.cost) <= NEAR
            assert abs(Fraction(holding.realized) - naive.realized) <= NEAR
            assert (holding.base_cost, holding.base_realized) == (holding.cost, holding.realized)

    def _ask(self, possible: bool, change: Any) -> Recorded | None:
        self.touched = True
        try:
            done: Recorded = change()
        except InsufficientQuantity:
            assert not possible
            return None
        assert possible
        return done

    def _written(self, values: dict[str, Any]) -> Row:
        self.model.written += 1
        row = Row(self.model.written, values)
        self.model.rows.append(row)
        return row

    def _draft(self, values: dict[str, Any]) -> Draft:
        stock = None if values["stock"] is None else self.stocks[values["stock"]]
        return Draft(**{**values, "type": TransactionType(values["type"]), "stock": stock, "currency": "USD"})


def _stock(code: str) -> Stock:
    known = Stock.objects.select_related("market").filter(code=code).first()
    return known or StockFactory.create(code=code, market_id="NASDAQ", currency="USD")


@pytest.mark.django_db
@pytest.mark.timeout(280)
def test_the_ledger_is_what_a_plain_model_says():
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
