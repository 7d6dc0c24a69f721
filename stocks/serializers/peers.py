"""A company among those like it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.selectors.peers import Compared
from stocks.serializers.fields import maybe
from stocks.serializers.listing import KeyIndicators, QuoteDetail, quote_detail_reply


class PeersQuery(StrictSerializer):
    limit = serializers.IntegerField(default=10, min_value=1, max_value=50)


class ComparedReply(serializers.Serializer[Any]):
    """A company with its key figures, each null where it is unknown."""

    code = serializers.CharField()
    name = serializers.CharField()
    market = serializers.CharField()
    sector = serializers.CharField(allow_null=True)
    industry = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    market_cap = maybe(help_text="In whole units of the currency.")
    figures_of = serializers.DateField(
        allow_null=True, help_text="The session whose close the figures follow."
    )
    indicators = KeyIndicators()
    quote = QuoteDetail(allow_null=True)


class PeersReply(serializers.Serializer[Any]):
    stock = ComparedReply()
    peers = ComparedReply(
        many=True, help_text="Of the industry, then of the sector, each by how near the market value is."
    )
    warnings = serializers.ListField(child=serializers.CharField())


def peers_reply(own: Compared, peers: list[Compared]) -> dict[str, Any]:
    warnings = []
    if not own.stock.sector and not own.stock.industry:
        warnings.append("Nobody told us the sector of this stock, so there is nothing to compare it with.")
    elif not own.market_cap:
        warnings.append("The market value of this stock is unknown, so its peers stand by size.")
    return {
        "stock": _compared_reply(own),
        "peers": [_compared_reply(one) for one in peers],
        "warnings": warnings,
    }


def _compared_reply(compared: Compared) -> dict[str, Any]:
    stock = compared.stock
    return {
        "code": stock.code,
        "name": stock.name,
        "market": stock.market_id,
        "sector": stock.sector or None,
        "industry": stock.industry or None,
        "currency": stock.currency,
        "market_cap": compared.market_cap,
        "figures_of": compared.date,
        "indicators": compared.indicators,
        "quote": None if compared.price is None else quote_detail_reply(compared.price),
    }
