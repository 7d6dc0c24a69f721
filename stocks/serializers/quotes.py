"""Prices of one stock or of many, in the shapes that two seeds show."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.errors import StocksError
from stocks.figures import rounded
from stocks.selectors.listing import MAX_CODE
from stocks.selectors.prices import LastSession
from stocks.serializers.fields import OneError, SymbolsField, maybe, number, one_of
from stocks.services.quotes import PricedStock

SYMBOL_PLACES = 4


class SymbolQuery(StrictSerializer):
    symbol = serializers.CharField(max_length=MAX_CODE, help_text="In any letter case, e.g. AAPL.")


class SymbolsQuery(StrictSerializer):
    symbols = SymbolsField()


class QuoteReply(serializers.Serializer[Any]):
    """A price and its day, under the one-letter names of quote feeds."""

    symbol = serializers.CharField()
    c = number(help_text="The last price.")
    d = maybe(help_text="Change from the previous close.")
    dp = maybe(help_text="The same in percent.")
    h = maybe(help_text="High of the day.")
    l = maybe(help_text="Low of the day.")  # noqa: E741 (the name is the contract's)
    o = maybe(help_text="Open of the day.")
    pc = maybe(help_text="Previous close.")
    t = serializers.IntegerField(help_text="Time of the price, Unix seconds.")
    currency = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    as_of = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    delay_s = maybe()
    stale = serializers.BooleanField(
        help_text="The market has traded on since: in session, older than 90 s; else a session was missed."
    )
    price_basis = one_of(["quote", "close"], help_text="close: no quote is known, this is the last bar.")
    fallback = serializers.BooleanField(
        help_text="It comes from a provider that is asked when the one before it does not answer."
    )


class QuotesReply(serializers.Serializer[Any]):
    quotes = serializers.DictField(child=QuoteReply())
    errors = serializers.DictField(child=OneError())  # type: ignore[assignment]  # DRF takes it off


class SymbolReply(serializers.Serializer[Any]):
    """The last session, prices as texts with four decimals."""

    last_refreshed = serializers.DateField()
    close_value = serializers.CharField()
    open_value = serializers.CharField(allow_null=True)
    high_value = serializers.CharField(allow_null=True)
    low_value = serializers.CharField(allow_null=True)
    variation_between_last_two_days = maybe(help_text="Close minus the close before, exact.")


class SymbolsReply(serializers.Serializer[Any]):
    symbols = serializers.DictField(child=SymbolReply())
    errors = serializers.DictField(child=OneError())  # type: ignore[assignment]  # DRF takes it off


def quote_reply(priced: PricedStock) -> dict[str, Any]:
    price = priced.price
    return {
        "symbol": priced.code,
        "c": price.price,
        "d": price.change,
        "dp": price.change_pct,
        "h": price.high,
        "l": price.low,
        "o": price.open,
        "pc": price.previous_close,
        "t": int(price.as_of.timestamp()),
        "currency": priced.currency,
        "source": price.source,
        "as_of": price.as_of,
        "received_at": price.received_at,
        "delay_s": price.delay_s,
        "stale": price.stale,
        "price_basis": price.basis,
        "fallback": priced.fallback,
    }


def symbol_reply(session: LastSession) -> dict[str, Any]:
    bar = session.bar
    return {
        "last_refreshed": bar.date,
        "close_value": _text(bar.close),
        "open_value": _text(bar.open),
        "high_value": _text(bar.high),
        "low_value": _text(bar.low),
        "variation_between_last_two_days": session.change,
    }


def errors_reply(errors: Iterable[tuple[str, StocksError]]) -> dict[str, Any]:
    return {symbol: {"error": error.code, "message": error.message} for symbol, error in errors}


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{rounded(price, SYMBOL_PLACES):f}"
