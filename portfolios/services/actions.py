"""Splits, bonus issues and dividends of held stocks, each written into a ledger once.

They take effect at the opening of their ex-date, for the shares that were held then. What a user recorded by
hand for that day stands for the action; what a user reversed stays reversed. A dividend follows the number of
shares: where a trade of an earlier day is recorded later, it is reversed and written anew.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from portfolios.errors import PortfolioNotFound
from portfolios.maths.cash import cash_effect
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Oversell, Position, fold
from portfolios.models import AppliedAction, Portfolio, Transaction
from portfolios.selectors.ledger import entries_of_stock, entry_of
from portfolios.selectors.rates import rate_on
from portfolios.services.appending import append, append_reversal
from portfolios.services.locking import portfolio_lock
from portfolios.services.projecting import add_cash, fold_again, negative
from portfolios.types import Entry, Method, TransactionType
from stocks.models import CorporateAction, Stock
from stocks.sessions import schedule
from stocks.types import ActionKind

logger = logging.getLogger(__name__)

KINDS: Final = (ActionKind.SPLIT, ActionKind.BONUS, ActionKind.DIVIDEND)
#: A dividend that a user records on the day it was paid is the one of the ex-date before it.
PAID_WITHIN: Final = timedelta(days=60)
_NEAR: Final = Decimal("0.01")
_AMOUNT_STEP: Final = Decimal(1).scaleb(-8)
_RATIO_STEP: Final = Decimal(1).scaleb(-10)
#: Ratios are told with ten decimals; those of so small a denominator are meant exactly, as 1:3 is.
_MOST_SHARES_PER: Final = 1000
# What a split or a bonus issue is called differs between markets and providers.
_SHARES: Final = frozenset({TransactionType.SPLIT, TransactionType.BONUS})
_AS_TYPE: Final = {
    ActionKind.SPLIT: TransactionType.SPLIT,
    ActionKind.BONUS: TransactionType.BONUS,
    ActionKind.DIVIDEND: TransactionType.DIVIDEND,
}
_DUE = """
SELECT DISTINCT held.portfolio_id, held.stock_id
  FROM portfolios_holding AS held
  JOIN portfolios_portfolio AS owned ON owned.id = held.portfolio_id AND owned.archived_at IS NULL
  JOIN stocks_corporateaction AS action
    ON action.stock_id = held.stock_id AND action.kind = ANY(%(kinds)s) AND action.ex_date <= %(today)s
 WHERE action.ex_date >= (SELECT min(traded_at)::date FROM portfolios_transaction AS first
                           WHERE first.portfolio_id = held.portfolio_id AND first.stock_id = held.stock_id)
   AND NOT EXISTS (SELECT FROM portfolios_appliedaction AS applied
                    WHERE applied.portfolio_id = held.portfolio_id AND applied.stock_id = held.stock_id
                      AND applied.kind = action.kind AND applied.ex_date = action.ex_date)
 ORDER BY held.portfolio_id, held.stock_id
"""


def actions_apply(*, now: datetime) -> int:
    """Write the actions that are due into every ledger, one portfolio and stock at a time.

    Returns how many rows were written. Ledgers and stocks without a due action are not touched.
    """
    # The farthest zone's day begins up to fourteen hours before that of UTC.
    today = (now + timedelta(hours=14)).date()
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"kinds": [kind.value for kind in KINDS], "today": today})
        due = cursor.fetchall()
    stocks = Stock.objects.select_related("market").in_bulk({stock_id for _, stock_id in due})
    written = 0
    for portfolio_id, stock_id in due:
        with transaction.atomic():
            try:
                written += settle(portfolio_lock(portfolio_id), stocks[stock_id], now=now)
            except PortfolioNotFound:
                # Archived since it was read.
                continue
    return written


def settle(portfolio: Portfolio, stock: Stock, *, now: datetime, since: datetime | None = None) -> int:
    """Write the actions of a stock that are due, in a transaction that holds the portfolio's lock.

    ``since``: a row of that time was added or undone, so that dividends after it are counted again. Returns
    how many rows were written. An action that later sales contradict is left out, and named in the log.
    """
    first = Transaction.objects.filter(portfolio=portfolio, stock=stock).order_by("traded_at")
    begun = since or first.values_list("traded_at", flat=True).first()
    if begun is None:
        return 0
    today = now.astimezone(ZoneInfo(stock.market.timezone)).date()
    applied = AppliedAction.objects.filter(portfolio=portfolio, stock=stock)
    # From a day earlier, whatever the zone.
    start = (begun - timedelta(days=1)).date()
    known = CorporateAction.objects.filter(stock=stock, kind__in=KINDS, ex_date__range=(start, today))
    if since is None:
        same = applied.filter(kind=OuterRef("kind"), ex_date=OuterRef("ex_date"))
        known = known.filter(~Exists(same))
    due = list(known.order_by("ex_date", "-kind"))
    if not due or not (entries := entries_of_stock(portfolio, stock.pk)):
        return 0
    related = applied.filter(ex_date__gte=start).select_related("transaction__reversed_by")
    done = {(one.kind, one.ex_date): one for one in related}
    return _Settling(portfolio, stock, entries, now).run(due, done)


def is_applied(portfolio: Portfolio, stock: Stock, kind: TransactionType, moment: datetime) -> bool:
    """Whether an action like a row of this type and time stands in the ledger already."""
    if kind not in (*_SHARES, TransactionType.DIVIDEND):
        return False
    kinds = (
        [ActionKind.DIVIDEND.value]
        if kind is TransactionType.DIVIDEND
        else [ActionKind.SPLIT.value, ActionKind.BONUS.value]
    )
    day = moment.astimezone(ZoneInfo(stock.market.timezone)).date()
    applied = AppliedAction.objects.filter(portfolio=portfolio, stock=stock, kind__in=kinds, ex_date=day)
    return applied.filter(transaction__reversed_by__isnull=True).exists()


class _Settling:
    """One pass over the due actions of a stock, the oldest first, beside the rows of the ledger."""

    def __init__(self, portfolio: Portfolio, stock: Stock, entries: list[Entry], now: datetime) -> None:
        self._portfolio, self._stock, self._entries, self._now = portfolio, stock, entries, now
        self._zone = ZoneInfo(stock.market.timezone)
        self._position, self._taken = Position(Method.AVERAGE), 0

    def run(self, due: Sequence[CorporateAction], done: dict[tuple[str, date], AppliedAction]) -> int:
        written = 0
        for action in due:
            opening = opening_of(self._stock, action.ex_date)
            if opening > self._now:
                continue
            held = self._held_before(opening)
            applied = done.get((action.kind, action.ex_date))
            if applied is not None and applied.transaction is not None:
                if action.kind == ActionKind.DIVIDEND.value:
                    written += self._count_again(applied, applied.transaction, action, held)
            else:
                written += self._apply(applied or self._looked_at(action), action, opening, held)
        if written:
            fold_again(self._portfolio, self._stock, now=self._now)
        return written

    def _held_before(self, opening: datetime) -> Decimal:
        at = bisect_left(self._entries, opening, key=lambda entry: entry.traded_at)
        self._position.take(self._entries[self._taken : at])
        self._taken = at
        return self._position.quantity

    def _looked_at(self, action: CorporateAction) -> AppliedAction:
        return AppliedAction(
            portfolio=self._portfolio, stock=self._stock, kind=action.kind, ex_date=action.ex_date
        )

    def _apply(
        self, applied: AppliedAction, action: CorporateAction, opening: datetime, held: Decimal
    ) -> int:
        written = 0
        if held and (values := self._values(action, held)) is not None:
            if (by_hand := self._by_hand(action, values)) is not None:
                rows = Transaction.objects.filter(portfolio=self._portfolio)
                applied.transaction = rows.get(sequence=by_hand.sequence)
            elif action.ratio is not None and not self._is_possible(opening, values):
                logger.warning(
                    "a %s of %s on %s contradicts later sales in portfolio %s",
                    *(action.kind, self._stock.code, action.ex_date, self._portfolio.pk),
                )
                return 0
            else:
                applied.transaction, written = self._append(opening, values), 1
        applied.save()
        return written

    def _values(self, action: CorporateAction, held: Decimal) -> dict[str, Any] | None:
        """What the row says; None for a dividend of nothing, or in another currency than the stock."""
        kind = _AS_TYPE[ActionKind(action.kind)]
        values: dict[str, Any] = {"type": kind.value, "currency": self._stock.currency}
        if action.ratio is not None:
            to, per = exact_ratio(action.ratio)
            return {**values, "ratio_to": to, "ratio_from": per}
        assert action.amount is not None
        with exactly():
            amount = (held * action.amount).quantize(_AMOUNT_STEP)
        if not amount or (action.currency or self._stock.currency) != self._stock.currency:
            return None
        return {**values, "quantity": held, "price": action.amount, "amount": amount}

    def _by_hand(self, action: CorporateAction, values: dict[str, Any]) -> Entry | None:
        """The row in which a user recorded the action."""
        for entry in self._entries:
            day = entry.traded_at.astimezone(self._zone).date()
            if action.ratio is not None:
                if entry.type in _SHARES and day == action.ex_date:
                    return entry
            elif entry.type is TransactionType.DIVIDEND and entry.quantity is None:
                assert entry.amount is not None
                paid = timedelta(0) <= day - action.ex_date <= PAID_WITHIN
                if day == action.ex_date or (paid and is_near(entry.amount, values["amount"])):
                    return entry
        return None

    def _is_possible(self, opening: datetime, values: dict[str, Any]) -> bool:
        trial = Entry(
            sequence=self._portfolio.last_sequence + 1,
            type=TransactionType(values["type"]),
            traded_at=opening,
            currency=values["currency"],
            ratio_to=values["ratio_to"],
            ratio_from=values["ratio_from"],
        )
        try:
            fold(self._with(trial), Method.AVERAGE)
        except Oversell:
            return False
        return True

    def _with(self, entry: Entry) -> list[Entry]:
        return sorted([*self._entries, entry], key=lambda one: (one.traded_at, one.sequence))

    def _append(self, opening: datetime, values: dict[str, Any], **more: Any) -> Transaction:
        rate = rate_on(values["currency"], self._portfolio.base_currency, moment=opening)
        row = append(
            self._portfolio,
            now=self._now,
            stock=self._stock,
            traded_at=opening,
            fx_rate=rate,
            **values,
            **more,
        )
        self._entries = self._with(entry_of(row))
        add_cash(self._portfolio, row.currency, cash_effect(entry_of(row)))
        return row

    def _count_again(
        self, applied: AppliedAction, old: Transaction, action: CorporateAction, held: Decimal
    ) -> int:
        """Write a dividend anew where the number of shares that it was paid for is another one now."""
        by_hand = old.quantity is None
        if by_hand or hasattr(old, "reversed_by") or old.quantity == held:
            return 0
        append_reversal(self._portfolio, old, now=self._now)
        add_cash(self._portfolio, old.currency, negative(cash_effect(entry_of(old))))
        self._entries = [entry for entry in self._entries if entry.sequence != old.sequence]
        values = self._values(action, held) if held else None
        applied.transaction = None
        if values is not None:
            applied.transaction = self._append(old.traded_at, values, replaces=old)
        applied.save(update_fields=["transaction"])
        return 1 if values is None else 2


def is_near(paid: Decimal, due: Decimal) -> bool:
    """Whether a payment may be a dividend that came to ``due``."""
    return abs(paid - due) <= _NEAR * due


def opening_of(stock: Stock, day: date) -> datetime:
    """When the session of ``day`` opened; the beginning of the day where the calendar lists none."""
    sessions = schedule(stock.market.calendar)
    zone = ZoneInfo(stock.market.timezone)
    midnight = datetime.combine(day, time(0), zone)
    opening = sessions.next_open(midnight)
    if opening is not None and opening.astimezone(zone).date() == day:
        return opening
    return midnight


def exact_ratio(ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Shares after and before, as whole numbers where ten decimals are those of a plain fraction."""
    plain = Fraction(ratio).limit_denominator(_MOST_SHARES_PER)
    to, per = Decimal(plain.numerator), Decimal(plain.denominator)
    with exactly():
        if (to / per).quantize(_RATIO_STEP) == ratio:
            return to, per
    return ratio, Decimal(1)
