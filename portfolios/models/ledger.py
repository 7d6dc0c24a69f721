"""The ledger: what happened, in rows that never change."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portfolios.models.fields import (
    MAX_AMOUNT,
    MAX_QUANTITY,
    MAX_RATE,
    MAX_RATIO,
    amount_field,
    price_within,
    quantity_field,
    within,
)
from portfolios.models.portfolios import Portfolio
from portfolios.types import TransactionType
from stocks.models import Stock
from stocks.models.fields import price_field

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_NONE = {"quantity__isnull": True, "price__isnull": True, "amount__isnull": True, "ratio_to__isnull": True}


class Transaction(models.Model):
    """One row of the ledger; triggers of the database refuse its change and its removal.

    A mistake is corrected by another row that ``reverses`` it, and where need be by one that ``replaces`` it.
    Neither the reversed row nor its reversal counts in anything. ``fx_rate`` is units of the base currency
    for one of ``currency`` as they were known for that day, null where they were not.
    """

    class PriceBasis(models.TextChoices):
        GIVEN = "given"
        QUOTE = "quote"
        CLOSE = "close"

    TYPES = [(kind.value, kind.value) for kind in TransactionType]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="transactions")
    sequence = models.IntegerField(help_text="Its number in its portfolio, without gaps.")
    type = models.CharField(max_length=12, choices=TYPES)
    stock = models.ForeignKey(
        Stock, null=True, blank=True, on_delete=models.PROTECT, related_name="transactions"
    )
    quantity = quantity_field(null=True, blank=True)
    price = price_field(null=True, blank=True)
    amount = amount_field(null=True, blank=True)
    fee = amount_field(default=0)
    tax = amount_field(default=0)
    ratio_to = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    ratio_from = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    fx_rate = models.DecimalField(max_digits=30, decimal_places=20, null=True, blank=True)
    traded_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    price_basis = models.CharField(max_length=5, choices=PriceBasis.choices, default=PriceBasis.GIVEN)
    price_as_of = models.DateTimeField(null=True, blank=True)
    external_id = models.CharField(max_length=100, null=True, blank=True)
    import_hash = models.BinaryField(max_length=32, null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )

    class Meta:
        ordering = ["portfolio_id", "sequence"]
        indexes = [
            models.Index(fields=["portfolio", "stock", "traded_at", "sequence"], name="transaction_by_stock"),
            models.Index(fields=["portfolio", "-traded_at", "-sequence"], name="transaction_by_time"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "sequence"], name="transaction_once_in_sequence"),
            models.UniqueConstraint(
                fields=["portfolio", "external_id"],
                # Also of a row that was reversed: what was sent once is not taken for new.
                name="transaction_external_id_once",
            ),
            models.UniqueConstraint(
                fields=["portfolio", "import_hash"],
                name="transaction_imported_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    type__in=["BUY", "SELL"],
                    stock__isnull=False,
                    quantity__isnull=False,
                    price__isnull=False,
                    amount__isnull=True,
                    ratio_to__isnull=True,
                )
                | Q(
                    type__in=["TRANSFER_IN", "TRANSFER_OUT"],
                    stock__isnull=False,
                    quantity__isnull=False,
                    amount__isnull=True,
                    ratio_to__isnull=True,
                )
                | Q(type="SPLIT", stock__isnull=False, **(_NONE | {"ratio_to__isnull": False}))
                | Q(type="BONUS", stock__isnull=False, **(_NONE | {"ratio_to__isnull": False}))
                | Q(type="BONUS", stock__isnull=False, **(_NONE | {"quantity__isnull": False}))
                # Of a dividend per share the quantity and the price say how its amount came about.
                | Q(type="DIVIDEND", amount__isnull=False, ratio_to__isnull=True)
                | Q(
                    type__in=[
                        *("DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST", "TRANSFER_IN", "TRANSFER_OUT"),
                    ],
                    stock__isnull=True,
                    **(_NONE | {"amount__isnull": False}),
                ),
                name="transaction_says_what_its_type_needs",
            ),
            models.CheckConstraint(
                condition=Q(ratio_to__isnull=True, ratio_from__isnull=True)
                | Q(ratio_to__isnull=False, ratio_from__isnull=False),
                name="transaction_ratio_is_whole",
            ),
            models.CheckConstraint(
                condition=within("quantity", 0, MAX_QUANTITY, above=True), name="transaction_quantity_is_sane"
            ),
            models.CheckConstraint(condition=price_within("price"), name="transaction_price_is_sane"),
            models.CheckConstraint(
                condition=within("amount", 0, MAX_AMOUNT, above=True), name="transaction_amount_is_sane"
            ),
            models.CheckConstraint(
                condition=within("fee", 0, MAX_AMOUNT) & within("tax", 0, MAX_AMOUNT),
                name="transaction_costs_are_sane",
            ),
            models.CheckConstraint(
                condition=within("ratio_to", 0, MAX_RATIO, above=True), name="transaction_ratio_to_is_sane"
            ),
            models.CheckConstraint(
                condition=within("ratio_from", 0, MAX_RATIO, above=True),
                name="transaction_ratio_from_is_sane",
            ),
            models.CheckConstraint(
                condition=within("fx_rate", 0, MAX_RATE, above=True), name="transaction_fx_rate_is_sane"
            ),
            models.CheckConstraint(condition=Q(traded_at__gte=EARLIEST), name="transaction_time_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.type}"
