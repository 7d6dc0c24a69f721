"""What is asked of portfolios, checked before anything is locked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.fields import NameField, TextField, TruthField
from accounts.strict import StrictSerializer
from portfolios.forms import FIGURES, TRADES, form_problems
from portfolios.models import Portfolio, Transaction
from portfolios.models.fields import MAX_AMOUNT, MAX_QUANTITY
from portfolios.selectors.ledger import Place
from portfolios.serializers.fields import (
    CurrencyField,
    NumberField,
    PastDateField,
    PastTimeField,
    RatioField,
)
from portfolios.services.pricing import market_price
from portfolios.services.recording import Draft
from portfolios.types import Method, TransactionType
from stocks.models import Stock
from stocks.models.fields import MAX_PRICE
from stocks.selectors.listing import MAX_CODE, stock_of_symbol
from stocks.serializers.fields import one_of
from stocks.services.discovery import find_or_list
from stocks.sessions import schedule

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds of years that there are, from 1654 to 2286, and the place within them.
_CURSOR = re.compile(r"^(-?[0-9]{1,16})\.([0-9]{1,9})$", re.ASCII)
METHODS = [method.value for method in Method]
TYPES = [kind.value for kind in TransactionType]


class PortfolioCreate(StrictSerializer):
    name = NameField()
    description = NameField(max_length=1000, allow_blank=True, required=False)
    base_currency = CurrencyField(required=False, help_text="Without it, that of the first transaction.")
    method = one_of(METHODS, required=False)
    records_cash = TruthField(
        required=False, help_text="true: trades are paid from its cash, which deposits bring in."
    )


class PortfolioChange(StrictSerializer):
    name = NameField(required=False)
    description = NameField(max_length=1000, allow_blank=True, required=False)
    method = one_of(METHODS, required=False)


class TransactionBody(StrictSerializer):
    """A transaction; null is the same as leaving a field out."""

    type = one_of(TYPES)
    stock_code = TextField(required=False, allow_null=True, max_length=MAX_CODE)
    stock_symbol = TextField(
        required=False, allow_null=True, max_length=MAX_CODE, help_text="The same as `stock_code`."
    )
    quantity = NumberField(places=10, below=MAX_QUANTITY, required=False, allow_null=True)
    price = NumberField(
        places=8,
        below=MAX_PRICE,
        required=False,
        allow_null=True,
        help_text="Per share. BUY and SELL without it are at market, now.",
    )
    amount = NumberField(places=8, below=MAX_AMOUNT, required=False, allow_null=True)
    fee = NumberField(places=8, below=MAX_AMOUNT, zero=True, required=False, allow_null=True)
    tax = NumberField(places=8, below=MAX_AMOUNT, zero=True, required=False, allow_null=True)
    ratio = RatioField(required=False, allow_null=True)
    currency = CurrencyField(
        required=False, allow_null=True, help_text="That of the stock, or else the base currency."
    )
    traded_at = PastTimeField(required=False, allow_null=True, help_text="Without it, now.")
    external_id = TextField(required=False, allow_null=True, max_length=100, help_text="Once in a portfolio.")
    note = TextField(required=False, allow_null=True, allow_blank=True, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in attrs.items() if value is not None}
        code, symbol = values.pop("stock_code", None), values.pop("stock_symbol", None)
        if code is not None and symbol is not None and code != symbol:
            raise serializers.ValidationError({"stock_symbol": "is another stock than stock_code"})
        if (code := code or symbol) is not None:
            values["stock"] = code
        _check_form(TransactionType(values["type"]), values)
        return values


class NoBody(StrictSerializer):
    """Nothing, or an empty object."""


class HoldingBody(StrictSerializer):
    stock_code = TextField(max_length=MAX_CODE)
    quantity = NumberField(places=10, below=MAX_QUANTITY)
    avg_price = NumberField(places=8, below=MAX_PRICE)
    purchase_date = PastDateField(help_text="A day of the stock's exchange.")


class TransactionFilter(StrictSerializer):
    type = one_of(TYPES, required=False)
    stock_code = TextField(required=False, max_length=MAX_CODE)
    from_date = serializers.DateField(required=False, help_text="The first day, of UTC.")
    to_date = serializers.DateField(required=False, help_text="The last day, of UTC.")

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """What ``selectors.ledger.chosen`` takes, or DRF's ValidationError."""
        return cls.chosen(cls.parse(data))

    @staticmethod
    def chosen(query: dict[str, Any]) -> dict[str, Any]:
        first, last = query.get("from_date"), query.get("to_date")
        return {
            "kind": query.get("type"),
            "stock_code": query.get("stock_code"),
            "start": None if first is None else datetime.combine(first, time(0), UTC),
            "end": None if last is None else datetime.combine(last, time.max, UTC),
        }


class TransactionQuery(TransactionFilter):
    cursor = TextField(
        required=False,
        validators=[RegexValidator(_CURSOR, "is no cursor of a page")],
        help_text="`next_cursor` of the page before.",
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=500)

    def validate_cursor(self, value: str) -> Place:
        microseconds, sequence = value.split(".")
        return Place(_EPOCH + timedelta(microseconds=int(microseconds)), int(sequence))

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """What ``transactions_page`` takes, or DRF's ValidationError."""
        query = cls.parse(data)
        return {**cls.chosen(query), "after": query.get("cursor"), "limit": query["limit"]}


def cursor_after(row: Transaction) -> str:
    """The cursor of the page that begins after a row."""
    return f"{(row.traded_at - _EPOCH) // timedelta(microseconds=1)}.{row.sequence}"


class LotsQuery(StrictSerializer):
    method = one_of(METHODS, required=False, help_text="Without it, the portfolio's own.")


def draft_of(data: Any, portfolio: Portfolio | None, *, now: datetime, replacing: bool = False) -> Draft:
    """The transaction of a body, priced at market where it has no price.

    ``replacing``: without a time it is not a trade of now, so that it needs a price. Raises DRF's
    ValidationError, StockNotFound, QuoteStale, NoPrice and DataUnavailable.
    """
    values = TransactionBody.parse(data)
    kind = TransactionType(values["type"])
    stock = _stock(values["stock"], now) if "stock" in values else None
    ratio = values.get("ratio", (None, None))
    draft = Draft(
        type=kind,
        currency=_currency(values.get("currency"), stock, portfolio),
        stock=stock,
        quantity=values.get("quantity"),
        price=values.get("price"),
        amount=values.get("amount"),
        fee=values.get("fee", Decimal(0)),
        tax=values.get("tax", Decimal(0)),
        ratio_to=ratio[0],
        ratio_from=ratio[1],
        traded_at=values.get("traded_at"),
        external_id=values.get("external_id"),
        note=values.get("note", ""),
    )
    if kind not in TRADES or draft.price is not None:
        return draft
    if draft.traded_at is not None or replacing:
        raise serializers.ValidationError({"price": "is needed for a trade that is not at market, now"})
    assert stock is not None
    market = market_price(stock, now=now)
    return replace(draft, price=market.price, price_basis=market.basis, price_as_of=market.as_of)


def holding_draft(data: Any, *, now: datetime) -> Draft:
    """The purchase that a holding stands for, at the close of its day."""
    values = HoldingBody.parse(data)
    stock, day = _stock(values["stock_code"], now), values["purchase_date"]
    if day > now.astimezone(ZoneInfo(stock.market.timezone)).date():
        raise serializers.ValidationError({"purchase_date": "must not be in the future"})
    return Draft(
        type=TransactionType.BUY,
        currency=stock.currency,
        stock=stock,
        quantity=values["quantity"],
        price=values["avg_price"],
        traded_at=min(schedule(stock.market.calendar).close_of(day), now),
    )


def _check_form(kind: TransactionType, values: dict[str, Any]) -> None:
    # A fee of 0 is no fee, which every type may have.
    given = {name for name in ("stock", *FIGURES) if name in values and values[name] != Decimal(0)}
    if problems := form_problems(kind, given):
        raise serializers.ValidationError(problems)


def _stock(code: str, now: datetime) -> Stock:
    # One that is listed needs nothing of what is asked about a stock that is looked at.
    stock = stock_of_symbol(code) or find_or_list(code, now=now)
    if stock.kind == Stock.Kind.INDEX:
        raise serializers.ValidationError({"stock_code": "is an index, which nobody can hold"})
    return stock


def _currency(given: str | None, stock: Stock | None, portfolio: Portfolio | None) -> str:
    if stock is not None:
        if given is not None and given != stock.currency:
            raise serializers.ValidationError({"currency": f"must be {stock.currency}, that of the stock"})
        return stock.currency
    if given is None and (portfolio is None or not portfolio.base_currency):
        raise serializers.ValidationError({"currency": "is needed: the portfolio has no base currency yet"})
    return given or portfolio.base_currency  # type: ignore[union-attr]  # one of them is there
