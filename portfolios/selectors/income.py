"""What a portfolio earned without selling: dividends and interest, and the dividends to come."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from portfolios.maths.exact import ZERO
from portfolios.models import Holding, Portfolio, Transaction
from portfolios.money import minus, plus, times
from portfolios.selectors.rates import latest_rates
from portfolios.types import TransactionType
from stocks.models import CorporateAction, Stock
from stocks.types import ActionKind

_Key = TypeVar("_Key", bound=Hashable)
_KINDS = {TransactionType.DIVIDEND.value: "dividend", TransactionType.INTEREST.value: "interest"}


@dataclass(frozen=True, slots=True)
class Earned:
    """A payment: ``gross`` and what fees and taxes took, in its currency; the rest in the base currency."""

    day: date
    kind: str
    stock: Stock | None
    currency: str
    gross: Decimal
    withheld: Decimal
    base: Decimal | None

    @property
    def net(self) -> Decimal | None:
        return minus(self.gross, self.withheld)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A dividend that is announced for shares held now; ``amount`` is before taxes, in ``currency``."""

    ex_date: date
    stock: Stock
    quantity: Decimal
    per_share: Decimal
    currency: str
    amount: Decimal | None
    base: Decimal | None


@dataclass(frozen=True, slots=True)
class Income:
    """Payments, oldest first, and announced dividends by day; a sum with an unknown part is None."""

    currency: str
    payments: list[Earned]
    upcoming: list[Upcoming]
    warnings: list[str]

    @property
    def total(self) -> Decimal | None:
        return plus(*(one.base for one in self.payments))

    def by(self, key: Callable[[Earned], _Key]) -> dict[_Key, list[Earned]]:
        groups: dict[_Key, list[Earned]] = {}
        for one in self.payments:
            groups.setdefault(key(one), []).append(one)
        return groups


def income_of(
    portfolio: Portfolio, *, now: datetime, first: date | None = None, last: date | None = None
) -> Income:
    """Dividends and interest from ``first`` to ``last``, both included; without them, of all time."""
    payments = [
        one
        for one in map(_payment, _rows(portfolio))
        if (first is None or one.day >= first) and (last is None or one.day <= last)
    ]
    payments.sort(key=lambda one: one.day)
    unrated = sorted({one.currency for one in payments if one.base is None})
    return Income(
        currency=portfolio.base_currency,
        payments=payments,
        upcoming=_upcoming(portfolio, now),
        warnings=[
            f"No rate of {currency} in {portfolio.base_currency} is known for a payment."
            for currency in unrated
        ],
    )


def _rows(portfolio: Portfolio) -> QuerySet[Transaction]:
    """The payments that count: neither a reversed row nor its reversal has ever happened."""
    rows = Transaction.objects.filter(
        portfolio=portfolio, type__in=_KINDS, reverses__isnull=True, reversed_by__isnull=True
    )
    return rows.select_related("stock__market").order_by("traded_at", "sequence")


def _payment(row: Transaction) -> Earned:
    assert row.amount is not None
    zone = UTC if row.stock is None else ZoneInfo(row.stock.market.timezone)
    withheld = plus(row.fee, row.tax) or ZERO
    return Earned(
        day=row.traded_at.astimezone(zone).date(),
        kind=_KINDS[row.type],
        stock=row.stock,
        currency=row.currency,
        gross=row.amount,
        withheld=withheld,
        base=times(minus(row.amount, withheld), row.fx_rate),
    )


def _upcoming(portfolio: Portfolio, now: datetime) -> list[Upcoming]:
    held = {
        one.stock_id: one
        for one in Holding.objects.filter(portfolio=portfolio, quantity__gt=0).select_related("stock__market")
    }
    actions = CorporateAction.objects.filter(
        stock_id__in=held, kind=ActionKind.DIVIDEND.value, ex_date__gte=now.astimezone(UTC).date()
    ).order_by("ex_date", "stock__code")
    announced = [
        (action, held[action.stock_id])
        for action in actions
        if action.ex_date > now.astimezone(ZoneInfo(held[action.stock_id].stock.market.timezone)).date()
    ]
    currencies = {action.currency or holding.stock.currency for action, holding in announced}
    rates = latest_rates(currencies, portfolio.base_currency, now=now) if currencies else {}
    found: list[Upcoming] = []
    for action, holding in announced:
        assert action.amount is not None
        currency = action.currency or holding.stock.currency
        amount = times(holding.quantity, action.amount)
        found.append(
            Upcoming(
                *(action.ex_date, holding.stock, holding.quantity, action.amount, currency, amount),
                base=times(amount, rates.get(currency)),
            )
        )
    return found
