"""What is folded from the ledger, written with it in one transaction; it can be rebuilt from it exactly."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portfolios.models.fields import MAX_QUANTITY, MAX_SUM, quantity_field, sum_field, within
from portfolios.models.ledger import Transaction
from portfolios.models.portfolios import Portfolio
from stocks.models import CorporateAction, Stock


class Holding(models.Model):
    """What a portfolio has, or had, of a stock; the sums are those of ``maths.lots.Position``.

    ``(newest_at, newest_sequence)`` is the newest row of the ledger that counts in it, so that a later one
    is added to it without reading the others again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="holdings")
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="holdings")
    quantity = quantity_field(default=0)
    cost = sum_field(default=0)
    base_cost = sum_field(null=True, default=0)
    realized = sum_field(default=0)
    base_realized = sum_field(null=True, default=0)
    income = sum_field(default=0)
    base_income = sum_field(null=True, default=0)
    newest_at = models.DateTimeField()
    newest_sequence = models.IntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["portfolio_id", "stock_id"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "stock"], name="holding_once_per_stock"),
            models.CheckConstraint(
                condition=within("quantity", 0, MAX_QUANTITY * 10**3), name="holding_quantity_is_sane"
            ),
            models.CheckConstraint(condition=within("cost", 0, MAX_SUM), name="holding_cost_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} of {self.stock_id}"


class Lot(models.Model):
    """Shares of a holding that came by one row of the ledger; ``sequence`` is that row's."""

    id = models.BigAutoField(primary_key=True)
    holding = models.ForeignKey(Holding, on_delete=models.CASCADE, related_name="lots")
    sequence = models.IntegerField()
    opened_at = models.DateTimeField()
    quantity = quantity_field()
    cost = sum_field()
    base_cost = sum_field(null=True)

    class Meta:
        ordering = ["holding_id", "opened_at", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["holding", "sequence"], name="lot_once_per_row"),
            models.CheckConstraint(
                condition=within("quantity", 0, MAX_QUANTITY * 10**3, above=True), name="lot_quantity_is_sane"
            ),
            models.CheckConstraint(condition=within("cost", 0, MAX_SUM), name="lot_cost_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} of row {self.sequence}"


class CashBalance(models.Model):
    """The cash of one currency, of a portfolio that records it; below 0 it is owed."""

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="cash")
    currency = models.CharField(max_length=3)
    amount = sum_field()

    class Meta:
        ordering = ["portfolio_id", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "currency"], name="cash_once_per_currency"),
            models.CheckConstraint(
                condition=Q(amount__gt=-MAX_SUM, amount__lt=MAX_SUM), name="cash_amount_is_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


class AppliedAction(models.Model):
    """A corporate action that was looked at for a portfolio; each at most once.

    It stands in the ledger as ``transaction``, or, where that is null, nothing was held on the day.
    """

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="applied_actions")
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=CorporateAction.KIND_CHOICES)
    ex_date = models.DateField()
    transaction = models.ForeignKey(
        Transaction, null=True, on_delete=models.PROTECT, related_name="applied_actions"
    )

    class Meta:
        ordering = ["portfolio_id", "stock_id", "ex_date", "kind"]
        constraints = [
            # The action's row may be written anew by whoever tells of it; these three name it for ever.
            models.UniqueConstraint(
                fields=["portfolio", "stock", "ex_date", "kind"], name="applied_action_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.stock_id} on {self.ex_date}"
