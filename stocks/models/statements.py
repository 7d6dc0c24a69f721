"""What companies file and publish: statements, published ratios, corporate actions."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import MAX_MONEY, MAX_PRICE, bounded, money_field, price_field
from stocks.models.listing import Stock
from stocks.types import STATEMENT_LINES, ActionKind


class Statement(models.Model):
    """One filed statement of one fiscal period; a restatement is a further row with its own filing date."""

    class PeriodType(models.TextChoices):
        ANNUAL = "annual"
        QUARTERLY = "quarterly"

    id = models.BigAutoField(primary_key=True)
    stock = models.ForeignKey(Stock, on_delete=models.CASCADE, related_name="statements")
    period_type = models.CharField(max_length=9, choices=PeriodType.choices)
    fiscal_year = models.SmallIntegerField()
    fiscal_quarter = models.SmallIntegerField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    filed_on = models.DateField(help_text="The day it became public; nothing computed before may use it.")
    currency = models.CharField(max_length=3)
    revenue = money_field()
    cost_of_revenue = money_field()
    gross_profit = money_field()
    sga_expense = money_field()
    rnd_expense = money_field()
    depreciation_amortization = money_field()
    operating_profit = money_field()
    ebit = money_field()
    interest_expense = money_field()
    pretax_profit = money_field()
    income_tax = money_field()
    net_profit = money_field()
    total_assets = money_field()
    current_assets = money_field()
    cash = money_field()
    short_term_investments = money_field()
    receivables = money_field()
    inventory = money_field()
    ppe = money_field()
    goodwill = money_field()
    intangible_assets = money_field()
    total_liabilities = money_field()
    current_liabilities = money_field()
    payables = money_field()
    short_term_debt = money_field()
    long_term_debt = money_field()
    total_debt = money_field()
    total_equity = money_field()
    retained_earnings = money_field()
    preferred_equity = money_field()
    minority_interest = money_field()
    operating_cash_flow = money_field()
    investing_cash_flow = money_field()
    financing_cash_flow = money_field()
    capital_expenditure = money_field()
    dividends_paid = money_field()
    share_repurchases = money_field()
    share_issuance = money_field()
    eps = price_field(null=True, blank=True)
    shares_outstanding = models.BigIntegerField(null=True, blank=True)
    basis_on = models.DateField(
        null=True, blank=True, help_text="The day whose shares the two count, if not the period's end."
    )
    reported = models.JSONField(
        default=dict, blank=True, help_text="Ratios as published with the filing, in percent or as given."
    )
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id", "fiscal_year", "fiscal_quarter", "filed_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["stock", "period_type", "fiscal_year", "fiscal_quarter", "filed_on"],
                name="statement_once_per_filing",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(period_type="annual", fiscal_quarter__isnull=True)
                | models.Q(period_type="quarterly", fiscal_quarter__range=(1, 4)),
                name="statement_period_is_whole",
            ),
            *(
                bounded(field, -MAX_MONEY, MAX_MONEY, f"statement_{field}_is_sane")
                for field in STATEMENT_LINES
            ),
            bounded("eps", -MAX_PRICE, MAX_PRICE, "statement_eps_is_sane"),
        ]

    def __str__(self) -> str:
        quarter = f" Q{self.fiscal_quarter}" if self.fiscal_quarter else ""
        return f"{self.stock_id} {self.fiscal_year}{quarter} filed {self.filed_on}"


class FundamentalSnapshot(models.Model):
    """Valuation figures as a vendor published them on one day, for stocks without statements.

    ``dividend_yield`` is in percent (2.8 means 2.8 %). ``forward_eps`` and ``forward_dps`` are what the
    vendor expects to be earned and paid per share in the twelve months to come.
    """

    id = models.BigAutoField(primary_key=True)
    stock = models.ForeignKey(Stock, on_delete=models.CASCADE, related_name="fundamental_snapshots")
    as_of = models.DateField()
    currency = models.CharField(max_length=3)
    price = price_field(null=True, blank=True)
    per = price_field(null=True, blank=True)
    pbr = price_field(null=True, blank=True)
    psr = price_field(null=True, blank=True)
    eps = price_field(null=True, blank=True)
    forward_eps = price_field(null=True, blank=True)
    forward_dps = price_field(null=True, blank=True)
    dividend_yield = price_field(null=True, blank=True)
    high_52w = price_field(null=True, blank=True)
    low_52w = price_field(null=True, blank=True)
    market_cap = money_field()
    ebitda = money_field()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id", "-as_of"]
        constraints = [
            models.UniqueConstraint(fields=["stock", "as_of", "source"], name="fundamentals_once_per_day"),
            *(
                bounded(field, -MAX_PRICE, MAX_PRICE, f"fundamentals_{field}_is_sane")
                for field in ("price", "per", "pbr", "psr", "eps", "dividend_yield", "high_52w", "low_52w")
            ),
            bounded("forward_eps", -MAX_PRICE, MAX_PRICE, "fundamentals_forward_eps_is_sane"),
            bounded("forward_dps", 0, MAX_PRICE, "fundamentals_forward_dps_is_sane"),
            bounded("market_cap", 0, MAX_MONEY, "fundamentals_market_cap_is_sane"),
            bounded("ebitda", -MAX_MONEY, MAX_MONEY, "fundamentals_ebitda_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.stock_id} as of {self.as_of}"


class CorporateAction(models.Model):
    """A split, bonus issue or dividend; ``rebase`` joins files that were adjusted at different dates."""

    KIND_CHOICES = [(kind.value, kind.value) for kind in ActionKind]

    id = models.BigAutoField(primary_key=True)
    stock = models.ForeignKey(Stock, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=8, choices=KIND_CHOICES)
    ex_date = models.DateField()
    ratio = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, blank=True, help_text="New shares per old share."
    )
    amount = price_field(null=True, blank=True, help_text="Cash per share.")
    currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id", "ex_date", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["stock", "ex_date", "kind"], name="action_once_per_ex_date"),
            models.CheckConstraint(
                condition=models.Q(kind="dividend", amount__gt=0, amount__lt=MAX_PRICE, ratio__isnull=True)
                | models.Q(
                    kind__in=["split", "bonus", "rebase"],
                    ratio__gt=0,
                    ratio__lt=1_000_000,
                    amount__isnull=True,
                ),
                name="action_says_ratio_or_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stock_id} {self.kind} on {self.ex_date}"
