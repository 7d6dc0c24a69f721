"""The shapes of what portfolios answer, for the document; ``replies`` makes what has them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stocks.serializers.fields import maybe, number


class TransactionReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    portfolio_id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    type = serializers.CharField()
    stock_symbol = serializers.CharField(allow_null=True)
    stock_code = serializers.CharField(allow_null=True)
    quantity = maybe()
    price = maybe()
    amount = maybe()
    total_amount = maybe(help_text="Quantity × price, or the amount; without fee and tax.")
    fee = number()
    tax = number()
    ratio = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    traded_at = serializers.DateTimeField()
    price_basis = serializers.CharField(help_text="given, quote or close")
    price_as_of = serializers.DateTimeField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    note = serializers.CharField()
    reverses = serializers.UUIDField(allow_null=True)
    reversed_by = serializers.UUIDField(allow_null=True)
    replaces = serializers.UUIDField(allow_null=True)
    replaced_by = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class HoldingRowReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    stock_symbol = serializers.CharField()
    quantity = number()
    average_price = maybe()
    total_invested = number()
    realized = number()
    income = number()
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DefaultRecordedReply(serializers.Serializer[Any]):
    Holding = HoldingRowReply(allow_null=True)
    Transaction = TransactionReply()


class RecordedReply(serializers.Serializer[Any]):
    transaction = TransactionReply()
    holding = HoldingRowReply(allow_null=True)


class TransactionListReply(serializers.Serializer[Any]):
    transactions = TransactionReply(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null on the last page.")


class DefaultHoldingReply(serializers.Serializer[Any]):
    stock_symbol = serializers.CharField()
    company_name = serializers.CharField()
    quantity = number()
    average_price = maybe()
    curr_price = maybe()
    curr_evaluation = maybe()
    pnl = maybe()
    pnl_percentage = maybe()
    total_invested = number()
    currency = serializers.CharField()
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField(allow_null=True)


class SummaryReply(serializers.Serializer[Any]):
    total_invested = maybe()
    current_value = maybe()
    pnl = maybe()
    pnl_percentage = maybe()
    holdings_count = serializers.IntegerField()
    realized = maybe()
    income = maybe()
    currency = serializers.CharField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())


class PortfolioReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    base_currency = serializers.CharField(allow_null=True, help_text="null before the first transaction.")
    method = serializers.CharField()
    records_cash = serializers.BooleanField()
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class PortfolioRowReply(PortfolioReply):
    holdings_count = serializers.IntegerField()
    total_value = maybe(help_text="Shares and cash.")
    unrealized_gain = maybe()
    unrealized_gain_pct = maybe()
    realized_gain = maybe()
    income = maybe()
    total_gain = maybe(help_text="Unrealized and realized gain and income together.")
    warnings = serializers.ListField(child=serializers.CharField())


class PortfolioListReply(serializers.Serializer[Any]):
    portfolios = PortfolioRowReply(many=True)


class HeldReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    stock_name = serializers.CharField()
    quantity = number()
    avg_price = maybe()
    current_price = maybe()
    purchase_value = number()
    current_value = maybe()
    unrealized_gain = maybe()
    unrealized_gain_pct = maybe()
    realized_gain = number()
    income = number()
    total_gain = maybe(help_text="Unrealized and realized gain and income together.")
    currency = serializers.CharField(help_text="Of all figures above, that of the stock.")
    base_value = maybe(help_text="In the base currency, as what follows.")
    base_purchase_value = maybe()
    price_gain = maybe(help_text="The part of the unrealized gain that the price made.")
    currency_gain = maybe(help_text="The part that the exchange rate made.")
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField(allow_null=True)


class PortfolioSumsReply(serializers.Serializer[Any]):
    total_purchase_value = maybe()
    total_current_value = maybe(help_text="Of the shares.")
    total_unrealized_gain = maybe()
    total_unrealized_gain_pct = maybe()
    total_price_gain = maybe(help_text="The part of the unrealized gain that prices made.")
    total_currency_gain = maybe(help_text="The part that exchange rates made.")
    total_realized_gain = maybe()
    total_income = maybe()
    total_gain = maybe(help_text="Unrealized and realized gain and income together.")
    total_value = maybe(help_text="Shares and cash.")


class CashReply(serializers.Serializer[Any]):
    currency = serializers.CharField()
    amount = number()


class PortfolioDetailReply(PortfolioReply):
    holdings = HeldReply(many=True)
    cash = CashReply(many=True)
    summary = PortfolioSumsReply()
    warnings = serializers.ListField(child=serializers.CharField())


class HoldingAddedReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    stock_code = serializers.CharField()
    quantity = number()
    avg_price = maybe()


class LotReply(serializers.Serializer[Any]):
    transaction_sequence = serializers.IntegerField(help_text="The row that opened it.")
    opened_at = serializers.DateTimeField()
    quantity = number()
    cost = number()
    unit_cost = maybe()


class StockLotsReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    currency = serializers.CharField()
    quantity = number()
    cost_basis = number()
    realized = number()
    unrealized = maybe()
    market_value = maybe()
    income = number()
    lots = LotReply(many=True)


class LotsReply(serializers.Serializer[Any]):
    method = serializers.CharField()
    stocks = StockLotsReply(many=True)
