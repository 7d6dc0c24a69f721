"""What portfolios answer: dictionaries that are written as they are; ``shapes`` has their shapes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from portfolios.maths.valuation import GainSplit, gain_split
from portfolios.models import Holding, Portfolio, Transaction
from portfolios.money import minus, money, percent_of, plus, times, unit_cost
from portfolios.selectors.valuation import Totals, Valuation, Valued
from portfolios.services.lots import StockLots
from portfolios.services.recording import Recorded
from stocks.figures import plain


def transaction_reply(row: Transaction, portfolio: Portfolio, *, new: bool = False) -> dict[str, Any]:
    """A row of the ledger. Of a ``new`` one nobody has to ask what corrected it."""
    code = row.stock.code if row.stock is not None else None
    traded = row.quantity is not None and row.price is not None
    total = row.amount if row.amount is not None or not traded else times(row.quantity, row.price)
    return {
        "id": row.pk,
        "user_id": portfolio.owner_id,
        "portfolio_id": portfolio.pk,
        "sequence": row.sequence,
        "type": row.type,
        "stock_symbol": code,
        "stock_code": code,
        "quantity": row.quantity,
        "price": row.price,
        "amount": row.amount,
        "total_amount": money(total, row.currency),
        "fee": row.fee,
        "tax": row.tax,
        "ratio": _ratio(row.ratio_to, row.ratio_from),
        "currency": row.currency,
        "traded_at": row.traded_at,
        "price_basis": row.price_basis,
        "price_as_of": row.price_as_of,
        "external_id": row.external_id,
        "note": row.note,
        "reverses": row.reverses_id,
        "reversed_by": None if new else _pk(row, "reversed_by"),
        "replaces": row.replaces_id,
        "replaced_by": None if new else _pk(row, "replaced_by"),
        "created_at": row.recorded_at,
    }


def holding_row(holding: Holding | None, row: Transaction, portfolio: Portfolio) -> dict[str, Any] | None:
    """A holding as a trade leaves it; None where there is none."""
    if holding is None or row.stock is None:
        return None
    currency = row.stock.currency
    return {
        "id": holding.pk,
        "user_id": portfolio.owner_id,
        "stock_symbol": row.stock.code,
        "quantity": holding.quantity,
        "average_price": unit_cost(holding.cost, holding.quantity),
        "total_invested": money(holding.cost, currency),
        "realized": money(holding.realized, currency),
        "income": money(holding.income, currency),
        "currency": currency,
        "created_at": holding.created_at,
        "updated_at": holding.updated_at,
    }


def held(one: Valued, base: str) -> dict[str, Any]:
    """A holding in the currency of its stock, and what it is in the base currency."""
    holding, stock = one.holding, one.holding.stock
    split = _split(one)
    return {
        "stock_code": stock.code,
        "stock_name": stock.name,
        "quantity": holding.quantity,
        "avg_price": unit_cost(holding.cost, holding.quantity),
        "current_price": one.price.price if one.price is not None else None,
        "purchase_value": money(holding.cost, stock.currency),
        "current_value": money(one.value, stock.currency),
        "unrealized_gain": money(one.unrealized, stock.currency),
        "unrealized_gain_pct": percent_of(one.unrealized, holding.cost),
        "realized_gain": money(holding.realized, stock.currency),
        "income": money(holding.income, stock.currency),
        "total_gain": money(plus(one.unrealized, holding.realized, holding.income), stock.currency),
        "base_value": money(one.base_value, base),
        "base_purchase_value": money(holding.base_cost, base),
        "price_gain": money(None if split is None else split.price, base),
        "currency_gain": money(None if split is None else split.currency, base),
        **_priced(one),
    }


def summary(totals: Totals | None) -> dict[str, Any]:
    """The default portfolio in a few figures; zeros where there is none yet."""
    if totals is None:
        zero = Decimal(0)
        totals = Totals(
            currency="", held=0, invested=zero, market_value=zero, value=zero, realized=zero, income=zero
        )
    currency = totals.currency
    return {
        "total_invested": money(totals.invested, currency),
        "current_value": money(totals.market_value, currency),
        "pnl": money(totals.unrealized, currency),
        "pnl_percentage": percent_of(totals.unrealized, totals.invested),
        "holdings_count": totals.held,
        "realized": money(totals.realized, currency),
        "income": money(totals.income, currency),
        "currency": currency or None,
        "warnings": totals.warnings,
    }


def portfolio_reply(portfolio: Portfolio) -> dict[str, Any]:
    return {
        "id": portfolio.pk,
        "name": portfolio.name,
        "description": portfolio.description,
        "base_currency": portfolio.base_currency or None,
        "method": portfolio.method,
        "records_cash": portfolio.records_cash,
        "is_default": portfolio.is_default,
        "created_at": portfolio.created_at,
    }


def portfolio_row(portfolio: Portfolio, totals: Totals) -> dict[str, Any]:
    return {
        **portfolio_reply(portfolio),
        "holdings_count": totals.held,
        "total_value": money(totals.value, totals.currency),
        "unrealized_gain": money(totals.unrealized, totals.currency),
        "unrealized_gain_pct": percent_of(totals.unrealized, totals.invested),
        "realized_gain": money(totals.realized, totals.currency),
        "income": money(totals.income, totals.currency),
        "total_gain": money(_total_gain(totals), totals.currency),
        "warnings": totals.warnings,
    }


def portfolio_detail(portfolio: Portfolio, valuation: Valuation) -> dict[str, Any]:
    currency = valuation.currency
    splits = [_split(one) for one in valuation.holdings]
    return {
        **portfolio_reply(portfolio),
        "holdings": [held(one, currency) for one in valuation.holdings],
        "cash": _cash(valuation.cash.items()),
        "summary": {
            "total_purchase_value": money(valuation.invested, currency),
            "total_current_value": money(valuation.market_value, currency),
            "total_unrealized_gain": money(valuation.unrealized, currency),
            "total_unrealized_gain_pct": percent_of(valuation.unrealized, valuation.invested),
            "total_price_gain": money(
                plus(*(None if one is None else one.price for one in splits)), currency
            ),
            "total_currency_gain": money(
                plus(*(None if one is None else one.currency for one in splits)), currency
            ),
            "total_realized_gain": money(valuation.realized, currency),
            "total_income": money(valuation.income, currency),
            "total_gain": money(_total_gain(valuation), currency),
            "total_value": money(valuation.value, currency),
        },
        "warnings": valuation.warnings,
    }


def recorded_reply(done: Recorded, portfolio: Portfolio) -> dict[str, Any]:
    return {
        "transaction": transaction_reply(done.transaction, portfolio, new=True),
        "holding": holding_row(done.holding, done.transaction, portfolio),
    }


def lots_reply(method: str, found: Iterable[StockLots]) -> dict[str, Any]:
    return {"method": method, "stocks": [_stock_lots(one) for one in found]}


def _stock_lots(one: StockLots) -> dict[str, Any]:
    currency = one.stock.currency
    value = None if one.price is None else times(one.quantity, one.price)
    return {
        "stock_code": one.stock.code,
        "currency": currency,
        "quantity": one.quantity,
        "cost_basis": money(one.cost, currency),
        "realized": money(one.realized, currency),
        "unrealized": money(minus(value, one.cost), currency),
        "market_value": money(value, currency),
        "income": money(one.income, currency),
        "lots": [
            {
                "transaction_sequence": lot.sequence,
                "opened_at": lot.opened_at,
                "quantity": lot.quantity,
                "cost": money(lot.cost, currency),
                "unit_cost": unit_cost(lot.cost, lot.quantity),
            }
            for lot in one.lots
        ],
    }


def _cash(balances: Iterable[tuple[str, Decimal]]) -> list[dict[str, Any]]:
    return [
        {"currency": currency, "amount": money(amount, currency)} for currency, amount in sorted(balances)
    ]


def _split(one: Valued) -> GainSplit | None:
    holding = one.holding
    return gain_split(value=one.value, cost=holding.cost, rate=one.rate, base_cost=holding.base_cost)


def _total_gain(totals: Totals) -> Decimal | None:
    return plus(totals.unrealized, totals.realized, totals.income)


def _priced(one: Valued) -> dict[str, Any]:
    return {
        "currency": one.holding.stock.currency,
        "as_of": one.price.as_of if one.price is not None else None,
        "stale": one.price.stale if one.price is not None else None,
    }


def _ratio(to: Decimal | None, per: Decimal | None) -> str | None:
    return None if to is None or per is None else f"{plain(to)}:{plain(per)}"


def _pk(row: Transaction, relation: str) -> Any:
    other = getattr(row, relation, None)
    return None if other is None else other.pk


def holding_added(done: Recorded) -> dict[str, Any]:
    """The holding that a purchase of a past day left."""
    holding, stock = done.holding, done.transaction.stock
    assert holding is not None and stock is not None
    return {
        "id": holding.pk,
        "stock_code": stock.code,
        "quantity": holding.quantity,
        "avg_price": unit_cost(holding.cost, holding.quantity),
    }
