"""Lists of stocks and the details of one."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.paging import PageMeta, PageQuery
from accounts.strict import StrictSerializer
from stocks.selectors.detail import StockDetail
from stocks.selectors.prices import LatestPrice
from stocks.serializers.fields import MarketField, maybe, number, one_of


class ListQuery(PageQuery):
    market = MarketField(default="ALL")
    sector = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="In any letter case."
    )


class SearchQuery(StrictSerializer):
    q = serializers.CharField(
        min_length=1, max_length=64, help_text="The beginning of a code, or a part of a name."
    )


class RecentQuery(StrictSerializer):
    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)


class StockRow(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    market = serializers.CharField()
    sector = serializers.CharField(allow_null=True)
    industry = serializers.CharField(allow_null=True)


class StockPage(serializers.Serializer[Any]):
    stocks = StockRow(many=True)
    meta = PageMeta()


class NullFloat64(serializers.Serializer[Any]):
    """A number as Go's sql.NullFloat64 writes it: unknown is ``{"Float64": 0, "Valid": false}``."""

    Float64 = number()
    Valid = serializers.BooleanField()


class PricedStock(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    company_name = serializers.CharField()
    current_price = maybe()
    previous_close = NullFloat64()
    updated_at = serializers.DateTimeField(allow_null=True, help_text="The time of the price.")


class LatestBar(serializers.Serializer[Any]):
    """The last daily bar; the change is that from the bar before, in percent."""

    close_price = maybe()
    change_pct = maybe()
    volume = serializers.IntegerField(allow_null=True)
    market_cap = maybe(help_text="In whole units of the stock's currency.")
    trade_date = serializers.DateField(allow_null=True)


class KeyIndicators(serializers.Serializer[Any]):
    per = maybe()
    pbr = maybe()
    roe = maybe(help_text="Percent.")
    dividend_yield = maybe(help_text="Percent.")
    quality_score = maybe(help_text="0 to 100.")
    value_score = maybe(help_text="0 to 100.")
    growth_score = maybe(help_text="0 to 100.")


class QuoteDetail(serializers.Serializer[Any]):
    """The newest price known, and the day it belongs to."""

    price = number()
    previous_close = maybe()
    open = maybe()
    high = maybe()
    low = maybe()
    volume = serializers.IntegerField(allow_null=True)
    change = maybe()
    change_pct = maybe()
    as_of = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    delay_s = maybe(help_text="Seconds from the trade to its arrival.")
    stale = serializers.BooleanField(help_text="The market has traded on since.")
    price_basis = one_of(["quote", "close"])


class StockReply(StockRow):
    segment = serializers.CharField(allow_null=True)
    kind = serializers.CharField()
    currency = serializers.CharField()
    isin = serializers.CharField(allow_null=True)
    listed_on = serializers.DateField(allow_null=True)
    shares_outstanding = serializers.IntegerField(allow_null=True)
    is_active = serializers.BooleanField(help_text="Whether it is still listed.")
    source = serializers.CharField(help_text="Where the listing comes from.")  # type: ignore[assignment]  # DRF takes it off
    latest_price = LatestBar()
    indicators = KeyIndicators()
    quote = QuoteDetail(allow_null=True)


def stock_row_reply(row: dict[str, Any]) -> dict[str, Any]:
    """One stock of the list; a sector or industry that nobody told us is null."""
    return {**row, "sector": row["sector"] or None, "industry": row["industry"] or None}


def priced_stock_reply(code: str, name: str, price: LatestPrice | None) -> dict[str, Any]:
    previous = price.previous_close if price is not None else None
    return {
        "symbol": code,
        "company_name": name,
        "current_price": price.price if price is not None else None,
        "previous_close": {"Float64": 0 if previous is None else previous, "Valid": previous is not None},
        "updated_at": price.as_of if price is not None else None,
    }


def stock_reply(detail: StockDetail) -> dict[str, Any]:
    stock, session = detail.stock, detail.session
    return {
        "code": stock.code,
        "name": stock.name,
        "market": stock.market_id,
        "segment": stock.segment or None,
        "kind": stock.kind,
        "sector": stock.sector or None,
        "industry": stock.industry or None,
        "currency": stock.currency,
        "isin": stock.isin or None,
        "listed_on": stock.listed_on,
        "shares_outstanding": stock.shares_outstanding,
        "is_active": stock.is_active,
        "source": stock.source,
        "latest_price": {
            "close_price": session.bar.close if session else None,
            "change_pct": session.change_pct if session else None,
            "volume": session.bar.volume if session else None,
            "market_cap": detail.market_cap,
            "trade_date": session.bar.date if session else None,
        },
        "indicators": detail.indicators,
        "quote": quote_detail_reply(detail.price) if detail.price is not None else None,
    }


def quote_detail_reply(price: LatestPrice) -> dict[str, Any]:
    return {
        "price": price.price,
        "previous_close": price.previous_close,
        "open": price.open,
        "high": price.high,
        "low": price.low,
        "volume": price.volume,
        "change": price.change,
        "change_pct": price.change_pct,
        "as_of": price.as_of,
        "received_at": price.received_at,
        "source": price.source,
        "delay_s": price.delay_s,
        "stale": price.stale,
        "price_basis": price.basis,
    }
