"""The figures of a portfolio as they are answered, and their shapes for the document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from portfolios.maths.linking import Leg
from portfolios.maths.returns import Drawdown, Rate
from portfolios.maths.story import Move
from portfolios.maths.valuation import Gains
from portfolios.money import money, plus, times
from portfolios.selectors.allocation import Allocation, Slice
from portfolios.selectors.history import PortfolioHistory
from portfolios.selectors.income import Earned, Income
from portfolios.selectors.performance import Benchmark, Report
from stocks.figures import plain, rounded
from stocks.models import Stock
from stocks.serializers.fields import maybe, number
from stocks.serializers.history import bars_csv

_PERCENT = "In percent."


def _warnings() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField())


class FlowRowReply(serializers.Serializer[Any]):
    sequence = serializers.IntegerField(help_text="The row of the ledger.")
    type = serializers.CharField()
    stock_code = serializers.CharField(allow_null=True, help_text="Of shares that were transferred.")
    quantity = maybe()
    amount = maybe(help_text="In `currency`; null of shares.")
    currency = serializers.CharField()
    base_amount = maybe(help_text="+ was put in, − was taken out; shares at the close of the day.")


class FlowReply(serializers.Serializer[Any]):
    date = serializers.DateField()
    kind = serializers.CharField(help_text="start, flow or end")
    amount = maybe(help_text="Put in less taken out; at the end less all that is there.")
    put_in = maybe()
    taken_out = maybe()
    value_before = maybe(help_text="What was there the evening before.")
    period_return = maybe(help_text="In percent, from this day to the evening before the next of these.")
    transactions = FlowRowReply(many=True)


class GainsReply(serializers.Serializer[Any]):
    total = maybe()
    realized = maybe()
    unrealized = maybe(help_text="How it changed: `unrealized_price` and `unrealized_currency`.")
    unrealized_price = maybe()
    unrealized_currency = maybe()
    dividends = maybe()
    interest = maybe()
    fees_and_taxes = maybe(help_text="Those on their own, ≤ 0; of trades they are part of cost and proceeds.")
    cash_currency = maybe(help_text="What exchange rates did to cash.")
    transfers = maybe(
        help_text="Cost of shares transferred in less their value then; of those out, reversed."
    )


class BenchmarkReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    from_date = serializers.DateField(allow_null=True, help_text="The close that it begins with.")
    to_date = serializers.DateField(allow_null=True)
    total_return = maybe(help_text="In percent, in the base currency, with dividends.")
    local_return = maybe(help_text="The same in its own currency.")
    price_return = maybe(help_text="In its own currency, without dividends.")
    volatility = maybe(help_text=_PERCENT)
    max_drawdown = maybe(help_text=_PERCENT)


class PerformanceReply(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_null=True)
    method = serializers.CharField()
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField()
    simple = maybe(help_text="Gain by what was there and was put in, in percent.")
    simple_reason = serializers.CharField(allow_null=True)
    twr = maybe(help_text="Time-weighted, of the whole time, in percent.")
    twr_reason = serializers.CharField(allow_null=True)
    xirr = maybe(help_text="Money-weighted, a year, Actual/365, in percent.")
    xirr_reason = serializers.CharField(allow_null=True, help_text="Why there is none.")
    volatility = maybe(help_text="Sample deviation of the returns of sessions × √252, in percent.")
    max_drawdown = maybe(help_text="The deepest fall from a top, ≤ 0, in percent.")
    max_drawdown_from = serializers.DateField(allow_null=True)
    max_drawdown_to = serializers.DateField(allow_null=True)
    start_value = maybe(help_text="On the evening before `from_date`.")
    end_value = maybe()
    net_flows = maybe()
    gain = maybe(help_text="end_value − start_value − net_flows")
    gains = GainsReply(allow_null=True, help_text="What made the gain; the parts add up to it.")
    flows = FlowReply(many=True)
    benchmark = BenchmarkReply(allow_null=True)
    warnings = _warnings()


class PointReply(serializers.Serializer[Any]):
    date = serializers.DateField()
    value = maybe(help_text="Shares and cash.")
    market_value = maybe(help_text="Of the shares.")
    cash = maybe(help_text="null where the portfolio records none.")
    invested = maybe(help_text="What the shares had cost.")
    flow = maybe(help_text="Put in less taken out since the point before.")
    net_flows = maybe(help_text="The same of all time.")


class PortfolioHistoryReply(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_null=True)
    interval = serializers.CharField()
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField()
    history = PointReply(many=True)
    warnings = _warnings()


class SliceReply(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Code, sector, market or currency; CASH; unknown.")
    title = serializers.CharField()
    value = maybe()
    weight = maybe(help_text="In percent of all known values; together exactly 100.")


class AllocationReply(serializers.Serializer[Any]):
    base_currency = serializers.CharField(allow_null=True)
    total_value = maybe()
    known_value = number(help_text="The sum of the values that are known.")
    stock = SliceReply(many=True)
    sector = SliceReply(many=True)
    market = SliceReply(many=True)
    currency = SliceReply(many=True)
    warnings = _warnings()


class MonthReply(serializers.Serializer[Any]):
    month = serializers.CharField(help_text="As 2024-11.")
    dividends = maybe(help_text="After fees and taxes, in the base currency.")
    interest = maybe()
    total = maybe()


class StockIncomeReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField(allow_null=True, help_text="null: interest on cash.")
    currency = serializers.CharField()
    gross = number()
    fees_and_taxes = number()
    net = number()
    total = maybe(help_text="Net, in the base currency.")
    payments = serializers.IntegerField()


class CurrencyIncomeReply(serializers.Serializer[Any]):
    currency = serializers.CharField()
    gross = number()
    fees_and_taxes = number()
    net = number()
    total = maybe(help_text="Net, in the base currency.")


class UpcomingReply(serializers.Serializer[Any]):
    ex_date = serializers.DateField()
    stock_code = serializers.CharField()
    quantity = number()
    per_share = number()
    currency = serializers.CharField()
    amount = maybe(help_text="Before taxes, for the shares that are held now.")
    base_amount = maybe(help_text="At the rate of now.")


class IncomeReply(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_null=True)
    total = maybe()
    months = MonthReply(many=True)
    stocks = StockIncomeReply(many=True)
    currencies = CurrencyIncomeReply(many=True)
    upcoming = UpcomingReply(many=True)
    warnings = _warnings()


def performance_reply(report: Report, method: str) -> dict[str, Any]:
    base, done = report.currency, report.performance
    drawdown = None if done is None else done.drawdown
    return {
        "currency": base or None,
        "method": method,
        "from_date": report.first,
        "to_date": report.last,
        **_rate("simple", None if done is None else done.simple),
        **_rate("twr", None if done is None else done.twr),
        **_rate("xirr", None if done is None else done.xirr),
        "volatility": _percent(None if done is None else done.volatility),
        "max_drawdown": _percent(None if drawdown is None else drawdown.depth),
        "max_drawdown_from": None if drawdown is None else drawdown.top,
        "max_drawdown_to": None if drawdown is None else drawdown.bottom,
        "start_value": money(report.start, base),
        "end_value": money(report.end, base),
        "net_flows": money(None if done is None else done.net_flows, base),
        "gain": money(None if done is None else done.gain, base),
        "gains": None if report.gains is None else _gains(report.gains, base),
        "flows": [] if done is None else [_flow(leg, report) for leg in done.legs],
        "benchmark": None if report.benchmark is None else _benchmark(report.benchmark),
        "warnings": report.warnings,
    }


def history_reply(history: PortfolioHistory, interval: str, *, records_cash: bool) -> dict[str, Any]:
    base = history.currency
    return {
        "currency": base or None,
        "interval": interval,
        "from_date": history.first,
        "to_date": history.last,
        "history": [
            {
                "date": one.day,
                "value": money(one.value, base),
                "market_value": money(one.shares, base),
                "cash": money(one.cash, base) if records_cash else None,
                "invested": money(one.invested, base),
                "flow": money(one.flow, base),
                "net_flows": money(one.net_flows, base),
            }
            for one in history.points
        ],
        "warnings": history.warnings,
    }


def history_csv(reply: dict[str, Any]) -> str:
    """The points of a reply as CSV; unknown is empty."""
    columns = [*PointReply().fields]
    return bars_csv(columns, ([_cell(point[name]) for name in columns] for point in reply["history"]))


def allocation_reply(found: Allocation) -> dict[str, Any]:
    base = found.currency
    return {
        "base_currency": base or None,
        "total_value": money(found.value, base),
        "known_value": money(found.known, base),
        **{by: [_slice(one, base) for one in slices] for by, slices in found.slices.items()},
        "warnings": found.warnings,
    }


def income_reply(income: Income) -> dict[str, Any]:
    base = income.currency
    by_stock = income.by(lambda one: (one.stock.code if one.stock is not None else "", one.currency))
    return {
        "currency": base or None,
        "total": money(income.total, base),
        "months": [
            _month(month, payments, base)
            for month, payments in income.by(lambda one: f"{one.day:%Y-%m}").items()
        ],
        "stocks": [
            {
                "stock_code": code or None,
                "currency": currency,
                **_sums(payments, currency, base),
                "payments": len(payments),
            }
            for (code, currency), payments in sorted(by_stock.items())
        ],
        "currencies": [
            {"currency": currency, **_sums(payments, currency, base)}
            for currency, payments in sorted(income.by(lambda one: one.currency).items())
        ],
        "upcoming": [
            {
                "ex_date": one.ex_date,
                "stock_code": one.stock.code,
                "quantity": one.quantity,
                "per_share": one.per_share,
                "currency": one.currency,
                "amount": money(one.amount, one.currency),
                "base_amount": money(one.base, base),
            }
            for one in income.upcoming
        ],
        "warnings": income.warnings,
    }


def _flow(leg: Leg, report: Report) -> dict[str, Any]:
    base = report.currency
    moves = report.moves.get(leg.day, ()) if leg.kind == "flow" else ()
    return {
        "date": leg.day,
        "kind": leg.kind,
        "amount": money(leg.amount, base),
        "put_in": money(leg.put_in, base),
        "taken_out": money(leg.taken_out, base),
        "value_before": money(leg.value_before, base),
        "period_return": _percent(leg.period_return),
        "transactions": [_move(move, amount, report.stocks, base) for move, amount in moves],
    }


def _move(move: Move, worth: Decimal | None, stocks: Any, base: str) -> dict[str, Any]:
    stock: Stock | None = None if move.stock is None else stocks[move.stock]
    return {
        "sequence": move.sequence,
        "type": move.type.value,
        "stock_code": None if stock is None else stock.code,
        "quantity": move.quantity if move.amount is None else None,
        "amount": money(move.amount, move.currency),
        "currency": move.currency,
        "base_amount": money(worth, base),
    }


def _gains(found: Gains, base: str) -> dict[str, Any]:
    return {
        "total": money(found.total, base),
        "realized": money(found.realized, base),
        "unrealized": money(found.unrealized, base),
        "unrealized_price": money(found.price, base),
        "unrealized_currency": money(found.currency, base),
        "dividends": money(found.dividends, base),
        "interest": money(found.interest, base),
        "fees_and_taxes": money(found.costs, base),
        "cash_currency": money(found.cash_currency, base),
        "transfers": money(found.transfers, base),
    }


def _benchmark(found: Benchmark) -> dict[str, Any]:
    drawdown: Drawdown | None = found.drawdown
    return {
        "stock_code": found.stock.code,
        "name": found.stock.name,
        "currency": found.stock.currency,
        "from_date": found.first,
        "to_date": found.last,
        "total_return": _percent(found.total_return),
        "local_return": _percent(found.local_return),
        "price_return": _percent(found.price_return),
        "volatility": _percent(found.volatility),
        "max_drawdown": _percent(None if drawdown is None else drawdown.depth),
    }


def _slice(one: Slice, base: str) -> dict[str, Any]:
    return {"name": one.name, "title": one.title, "value": money(one.value, base), "weight": one.weight}


def _month(month: str, payments: Sequence[Earned], base: str) -> dict[str, Any]:
    sums = {
        kind: plus(*(one.base for one in payments if one.kind == kind)) for kind in ("dividend", "interest")
    }
    return {
        "month": month,
        "dividends": money(sums["dividend"], base),
        "interest": money(sums["interest"], base),
        "total": money(plus(*sums.values()), base),
    }


def _sums(payments: Iterable[Earned], currency: str, base: str) -> dict[str, Any]:
    rows = list(payments)
    return {
        "gross": money(plus(*(one.gross for one in rows)), currency),
        "fees_and_taxes": money(plus(*(one.withheld for one in rows)), currency),
        "net": money(plus(*(one.net for one in rows)), currency),
        "total": money(plus(*(one.base for one in rows)), base),
    }


def _rate(name: str, rate: Rate | None) -> dict[str, Any]:
    if rate is None:
        return {name: None, f"{name}_reason": "there is no transaction in this time"}
    return {name: _percent(rate.rate), f"{name}_reason": rate.reason or None}


def _percent(fraction: Decimal | None) -> Decimal | None:
    return None if fraction is None else rounded(times(fraction, Decimal(100)) or Decimal(0), 4)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else value.isoformat()
