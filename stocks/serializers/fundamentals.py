"""Filed statements."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.models import Statement, Stock
from stocks.selectors.fundamentals import Filed
from stocks.serializers.fields import maybe, one_of
from stocks.types import STATEMENT_LINES

AMOUNTS = (*STATEMENT_LINES, "eps", "shares_outstanding")


class FinancialsQuery(StrictSerializer):
    period_type = one_of(Statement.PeriodType.values, default=Statement.PeriodType.QUARTERLY.value)
    years = serializers.IntegerField(
        default=5, min_value=1, max_value=10, help_text="Fiscal years, counted back from the newest on file."
    )


class StatementReply(serializers.Serializer[Any]):
    """A statement, amounts in whole units of its currency; null where it does not tell."""

    fiscal_year = serializers.IntegerField()
    fiscal_quarter = serializers.IntegerField(allow_null=True, help_text="null for a year.")
    report_date = serializers.DateField(help_text="The day it became public.")
    period_end = serializers.DateField(allow_null=True)
    currency = serializers.CharField()
    revenue = maybe()
    cost_of_revenue = maybe()
    gross_profit = maybe()
    sga_expense = maybe(help_text="Selling, general and administrative.")
    rnd_expense = maybe(help_text="Research and development.")
    depreciation_amortization = maybe(help_text="All of it, wherever it is shown.")
    operating_profit = maybe()
    ebit = maybe()
    interest_expense = maybe()
    pretax_profit = maybe()
    income_tax = maybe()
    net_profit = maybe(help_text="That of the parent's owners.")
    total_assets = maybe()
    current_assets = maybe()
    cash = maybe()
    short_term_investments = maybe()
    receivables = maybe(help_text="Due within a year.")
    inventory = maybe()
    ppe = maybe(help_text="Property, plant and equipment, net.")
    goodwill = maybe()
    intangible_assets = maybe(help_text="Without goodwill.")
    total_liabilities = maybe()
    current_liabilities = maybe()
    payables = maybe()
    short_term_debt = maybe(help_text="With what falls due of long debt within a year.")
    long_term_debt = maybe()
    total_debt = maybe()
    total_equity = maybe(help_text="That of the parent's owners.")
    retained_earnings = maybe()
    preferred_equity = maybe()
    minority_interest = maybe()
    operating_cash_flow = maybe()
    investing_cash_flow = maybe()
    financing_cash_flow = maybe()
    capital_expenditure = maybe(help_text="Above zero, as all that follows.")
    dividends_paid = maybe()
    share_repurchases = maybe()
    share_issuance = maybe()
    eps = maybe(help_text="Per share.")
    shares_outstanding = serializers.IntegerField(allow_null=True, help_text="At the end of the period.")
    roe = maybe(help_text="Percent: net profit of the last four quarters over equity.")
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off


class FinancialsReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    period_type = one_of(Statement.PeriodType.values)
    financials = StatementReply(many=True, help_text="Newest first.")


def financials_reply(stock: Stock, period_type: str, filed: list[Filed]) -> dict[str, Any]:
    return {
        "stock_code": stock.code,
        "period_type": period_type,
        "financials": [_statement_reply(item) for item in filed],
    }


def _statement_reply(filed: Filed) -> dict[str, Any]:
    statement = filed.statement
    return {
        "fiscal_year": statement.fiscal_year,
        "fiscal_quarter": statement.fiscal_quarter,
        "report_date": statement.filed_on,
        "period_end": statement.period_end,
        "currency": statement.currency,
        **{name: getattr(statement, name) for name in AMOUNTS},
        "roe": filed.roe,
        "source": statement.source,
    }
