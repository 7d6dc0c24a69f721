"""Rows of a ledger for the tests of its mathematics, and a second way to fold them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from portfolios.maths.lots import Lot, Position
from portfolios.types import Entry, Method, TransactionType

BEGAN = datetime(2024, 1, 2, 15, tzinfo=UTC)
NUMBERS = ("quantity", "price", "amount", "fee", "tax", "ratio_to", "ratio_from", "fx_rate")


def entry(sequence: int, kind: str, **values: Any) -> Entry:
    """A row of the first stock, one day after the row before it."""
    numbers = {name: Decimal(str(value)) for name, value in values.items() if name in NUMBERS}
    others = {name: value for name, value in values.items() if name not in NUMBERS}
    given: dict[str, Any] = (
        {"traded_at": BEGAN + timedelta(days=sequence), "currency": "USD", "stock": 1} | others | numbers
    )
    return Entry(sequence=sequence, type=TransactionType(kind), **given)


def figures(*values: Any) -> tuple[Any, ...]:
    """Decimals to be compared with whole numbers."""
    return values


GOLDEN = (
    entry(1, "BUY", quantity=10, price=100, fee=5),
    entry(2, "BUY", quantity=10, price=120, fee=5),
    entry(3, "SPLIT", ratio_to=2, ratio_from=1),
    entry(4, "SELL", quantity=15, price=80, fee=5),
)


def _decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def stories(draw: st.DrawFn) -> list[Entry]:
    """Rows of one stock that never sell more than there is."""
    rows: list[Entry] = []
    held = Decimal(0)
    for number in range(1, draw(st.integers(1, 14)) + 1):
        kind = draw(st.sampled_from(["BUY", "BUY", "SELL", "SELL", "SPLIT", "BONUS", "DIVIDEND"]))
        price, fee = draw(_decimals("0.0001", "9999", 4)), draw(_decimals("0", "20", 2))
        if kind == "SPLIT":
            to, per = draw(st.sampled_from([(2, 1), (3, 1), (3, 2), (1, 3), (1, 7)]))
            rows.append(entry(number, kind, ratio_to=to, ratio_from=per))
            held = (held * to / per).quantize(Decimal("1e-10"))
        elif kind == "DIVIDEND":
            rows.append(entry(number, kind, amount=price, tax=fee, fx_rate="1200.5"))
        elif kind == "SELL":
            if not held:
                continue
            part = draw(st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.3333333333")]))
            quantity = (held * part).quantize(Decimal("1e-10"))
            if not quantity:
                continue
            rows.append(entry(number, kind, quantity=quantity, price=price, fee=fee, fx_rate="1201.25"))
            held -= quantity
        else:
            quantity = draw(_decimals("0.001", "500", 3))
            terms = {} if kind == "BONUS" else {"price": price, "fee": fee}
            rows.append(entry(number, kind, quantity=quantity, fx_rate="1199.75", **terms))
            held += quantity
    return rows


class Naive:
    """The same rules over fractions, nothing of it rounded but the number of shares after a split."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.lots: list[list[Fraction]] = []
        self.realized = self.income = Fraction(0)

    def take(self, rows: list[Entry]) -> Naive:
        for row in rows:
            getattr(self, row.type.lower())(row)
        return self

    @property
    def quantity(self) -> Fraction:
        return sum((lot[0] for lot in self.lots), Fraction(0))

    @property
    def cost(self) -> Fraction:
        return sum((lot[1] for lot in self.lots), Fraction(0))

    def buy(self, row: Entry) -> None:
        assert row.quantity is not None and row.price is not None
        cost = Fraction(row.quantity) * Fraction(row.price) + Fraction(row.fee) + Fraction(row.tax)
        self.lots.append([Fraction(row.quantity), cost])

    def transfer_in(self, row: Entry) -> None:
        self.buy(row)

    def bonus(self, row: Entry) -> None:
        if row.quantity is None:
            self.split(row)
        else:
            self.lots.append([Fraction(row.quantity), Fraction(0)])

    def dividend(self, row: Entry) -> None:
        assert row.amount is not None
        self.income += Fraction(row.amount) - Fraction(row.fee) - Fraction(row.tax)

    def split(self, row: Entry) -> None:
        assert row.ratio_to is not None and row.ratio_from is not None
        factor = Fraction(row.ratio_to) / Fraction(row.ratio_from)
        if not self.quantity:
            return
        whole = Fraction(round(self.quantity * factor * 10**10), 10**10)
        for lot in self.lots:
            lot[0] *= factor
        # What the rounding of the whole gave or took is spread over all lots.
        self.lots = [[lot[0] * whole / self.quantity, lot[1]] for lot in self.lots]

    def sell(self, row: Entry) -> None:
        assert row.quantity is not None and row.price is not None
        gross = Fraction(row.quantity) * Fraction(row.price)
        self.realized += gross - Fraction(row.fee) - Fraction(row.tax) - self.leave(row.quantity)

    def transfer_out(self, row: Entry) -> None:
        assert row.quantity is not None
        cost = self.leave(row.quantity)
        if row.price is not None:
            self.realized += Fraction(row.quantity) * Fraction(row.price) - cost

    def leave(self, quantity: Decimal) -> Fraction:
        """Take shares out; returns what they had cost."""
        left, cost = Fraction(quantity), Fraction(0)
        if self.method is Method.AVERAGE:
            cost = self.cost * left / self.quantity
            rest = 1 - left / self.quantity
            self.lots = [[shares * rest, paid * rest] for shares, paid in self.lots] if rest else []
            left = Fraction(0)
        while left:
            dearest = max(range(len(self.lots)), key=lambda at: (self.lots[at][1] / self.lots[at][0], -at))
            at = {Method.FIFO: 0, Method.LIFO: len(self.lots) - 1, Method.HIFO: dearest}[self.method]
            lot = self.lots[at]
            part = min(left, lot[0])
            gone = lot[1] * part / lot[0]
            cost, left = cost + gone, left - part
            lot[0], lot[1] = lot[0] - part, lot[1] - gone
            if not lot[0]:
                del self.lots[at]
        return cost


class Scanned(Position):
    """A position that looks at every lot for the next one to sell, and throws a sold-out one away at once."""

    def _next(self) -> Lot:
        by_cost = [(lot.unit_cost(), -at) for at, lot in enumerate(self.lots)]
        at = {Method.LIFO: len(self.lots) - 1, Method.HIFO: -max(by_cost)[1]}.get(self.method, 0)
        return self.lots[at]

    def _took_from(self, lot: Lot) -> None:
        self.lots = [one for one in self.lots if one.quantity]
