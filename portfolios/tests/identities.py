"""What must hold of a portfolio after whatever happened to it, worked out of its ledger in other words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from portfolios.maths.exact import exactly
from portfolios.maths.lots import fold
from portfolios.models import CashBalance, Holding, Lot, Portfolio, Transaction
from portfolios.selectors.ledger import entry_of
from portfolios.services.rebuilding import portfolio_reconcile
from portfolios.types import Entry, Method

#: What a share of any stock is worth where it has to be worth something.
MARK = Decimal("123.45")
_STEP = 10**10
_MORE, _FEWER = ("BUY", "TRANSFER_IN"), ("SELL", "TRANSFER_OUT")


def breaks_of(portfolio: Portfolio) -> list[str]:
    """Every way in which a portfolio contradicts its ledger or itself, one line each."""
    rows = counting(portfolio)
    return [
        *portfolio_reconcile(portfolio_id=portfolio.pk),
        *_of_sequence(portfolio),
        *_of_shares(portfolio, rows),
        *_of_lots(portfolio),
        *_of_money(portfolio, rows),
    ]


def counting(portfolio: Portfolio) -> list[Transaction]:
    """The rows that are neither reversed nor reversals, in the order in which they take effect."""
    rows = list(Transaction.objects.filter(portfolio=portfolio))
    undone = {row.reverses_id for row in rows}
    rows = [row for row in rows if row.pk not in undone and row.reverses_id is None]
    return sorted(rows, key=lambda row: (row.traded_at, row.sequence))


def shares_after(rows: list[Transaction]) -> Iterator[Fraction]:
    """How many shares of one stock there are after each of its rows."""
    held = Fraction(0)
    for row in rows:
        if row.ratio_to is not None and row.ratio_from is not None:
            held = Fraction(round(held * Fraction(row.ratio_to) / Fraction(row.ratio_from) * _STEP), _STEP)
        elif row.type in _FEWER:
            held -= Fraction(row.quantity or 0)
        elif row.type in (*_MORE, "BONUS"):
            held += Fraction(row.quantity or 0)
        yield held


def _of_sequence(portfolio: Portfolio) -> Iterator[str]:
    rows = Transaction.objects.filter(portfolio=portfolio).order_by("sequence")
    if list(rows.values_list("sequence", flat=True)) != list(range(1, rows.count() + 1)):
        yield "the numbers of its rows have gaps"


def _of_shares(portfolio: Portfolio, rows: list[Transaction]) -> Iterator[str]:
    by_stock: dict[int, list[Transaction]] = defaultdict(list)
    for row in rows:
        if row.stock_id is not None:
            by_stock[row.stock_id].append(row)
    held = dict(Holding.objects.filter(portfolio=portfolio).values_list("stock_id", "quantity"))
    if held.keys() != by_stock.keys():
        yield f"holdings of {sorted(held)}, and rows of {sorted(by_stock)}"
    for stock_id, of_stock in by_stock.items():
        counted = list(shares_after(of_stock))
        if min(counted) < 0:
            yield f"stock {stock_id}: {float(min(counted))} shares at one time"
        if counted[-1] != held.get(stock_id):
            yield f"stock {stock_id}: {held.get(stock_id)} held, {float(counted[-1])} by its rows"


def _of_lots(portfolio: Portfolio) -> Iterator[str]:
    for holding in Holding.objects.filter(portfolio=portfolio):
        lots = list(Lot.objects.filter(holding=holding))
        with exactly():
            sums = (sum(lot.quantity for lot in lots), sum(lot.cost for lot in lots))
        if sums != (holding.quantity, holding.cost):
            yield f"stock {holding.stock_id}: lots of {sums}, {holding.quantity} at {holding.cost} held"


def _of_money(portfolio: Portfolio, rows: list[Transaction]) -> Iterator[str]:
    """realized + unrealized + income - standalone fees and taxes = value - external flows, by currency."""
    stored = {one.currency: one.amount for one in CashBalance.objects.filter(portfolio=portfolio)}
    gains: dict[str, Decimal] = defaultdict(Decimal)
    value: dict[str, Decimal] = defaultdict(Decimal)
    with exactly():
        for holding in Holding.objects.filter(portfolio=portfolio).select_related("stock"):
            worth = holding.quantity * MARK
            gains[holding.stock.currency] += holding.realized + (worth - holding.cost) + holding.income
            value[holding.stock.currency] += worth
        for row in rows:
            if row.type == "INTEREST":
                gains[row.currency] += (row.amount or Decimal(0)) - row.fee - row.tax
            elif row.type in ("FEE", "TAX"):
                gains[row.currency] -= row.amount or Decimal(0)
        for currency, amount in stored.items():
            value[currency] += amount
        flows = _flows(portfolio, rows)
        for currency in sorted(gains.keys() | value.keys() | flows.keys()):
            if gains[currency] != value[currency] - flows[currency]:
                gained, left = gains[currency], value[currency] - flows[currency]
                yield f"{currency}: gains of {gained}, and value less flows of {left}"


def _flows(portfolio: Portfolio, rows: list[Transaction]) -> dict[str, Decimal]:
    """What came in from outside less what went there, by currency.

    Without cash of its own a portfolio is paid for, and pays out, with every row.
    """
    flows: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        amount, costs = row.amount or Decimal(0), row.fee + row.tax
        gross = (row.quantity or Decimal(0)) * (row.price or Decimal(0))
        if row.type in ("DEPOSIT", "TRANSFER_IN"):
            flows[row.currency] += (amount if row.stock_id is None else gross) + (
                costs if row.stock_id is not None else -costs
            )
        elif row.type == "WITHDRAW" or (row.type == "TRANSFER_OUT" and row.stock_id is None):
            flows[row.currency] -= amount + costs
        elif not portfolio.records_cash:
            if row.type == "BUY":
                flows[row.currency] += gross + costs
            elif row.type == "SELL":
                flows[row.currency] -= gross - costs
            elif row.type in ("DIVIDEND", "INTEREST"):
                flows[row.currency] -= amount - costs
            elif row.type in ("FEE", "TAX"):
                flows[row.currency] += amount + costs
    for currency, moved in _moved_out(portfolio, rows):
        flows[currency] -= moved
    return flows


def _moved_out(portfolio: Portfolio, rows: list[Transaction]) -> Iterator[tuple[str, Decimal]]:
    """Shares that were moved elsewhere: at their price, or at what they had cost by its method."""
    moved = {row.sequence for row in rows if row.type == "TRANSFER_OUT" and row.stock_id is not None}
    by_stock: dict[int, list[Entry]] = defaultdict(list)
    for row in rows:
        if row.stock_id is not None:
            by_stock[row.stock_id].append(entry_of(row))
    for entries in by_stock.values():
        for sale in fold(entries, Method(portfolio.method)).sales:
            if sale.sequence in moved:
                yield entries[0].currency, sale.proceeds
