"""Markets at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.overview import Breadth, Figure, Sector
from stocks.overview.summary import LISTED
from stocks.selectors.overview import MarketOverview
from stocks.serializers.fields import MarketField, maybe, number, one_of


class OverviewQuery(StrictSerializer):
    market = MarketField(default="ALL", help_text="A market such as KOSPI, or ALL that list a stock.")


class BreadthReply(serializers.Serializer[Any]):
    """How many stocks did what; the first six numbers add up to ``stocks``."""

    advances = serializers.IntegerField()
    declines = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    halted = serializers.IntegerField(help_text="Nothing was traded: suspended, or not yet.")
    unknown = serializers.IntegerField(help_text="Traded, but no previous close is known.")
    missing = serializers.IntegerField(help_text="No price of this session is known.")
    stocks = serializers.IntegerField(help_text="The market's listed equities.")
    lagging = serializers.IntegerField(help_text="Those of the missing without a price for 30 days.")
    new_highs_52w = serializers.IntegerField(
        help_text="Reached the highest high of 252 sessions. A session that runs counts against those before."
    )
    new_lows_52w = serializers.IntegerField(help_text="Reached the lowest low.")
    ranged = serializers.IntegerField(help_text="Stocks whose range of 252 sessions is known.")


class OverviewRow(serializers.Serializer[Any]):
    """A stock of a list."""

    code = serializers.CharField()
    name = serializers.CharField()
    sector = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    price = number()
    previous_close = maybe(help_text="On the share basis of the session.")
    change = maybe()
    change_pct = maybe()
    volume = serializers.IntegerField(allow_null=True)
    traded_value = maybe(help_text="volume × price: near the money that changed hands.")
    as_of = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    stale = serializers.BooleanField(help_text="The market has traded on since.")
    price_basis = one_of(["quote", "close"])


class Movers(serializers.Serializer[Any]):
    up = OverviewRow(many=True)
    down = OverviewRow(many=True)


class MostActive(serializers.Serializer[Any]):
    volume = OverviewRow(many=True)
    traded_value = OverviewRow(many=True, help_text="Of stocks in the market's currency.")


class SectorReply(serializers.Serializer[Any]):
    """The traded stocks of a sector whose change is known."""

    sector = serializers.CharField(allow_null=True, help_text="null: nobody told us theirs.")
    stocks = serializers.IntegerField()
    advances = serializers.IntegerField()
    declines = serializers.IntegerField()
    average_change_pct = number(help_text="Each stock counts alike.")
    weighted_change_pct = maybe(help_text="Weighted by market value before the session.")
    weighted_stocks = serializers.IntegerField(help_text="Stocks whose market value is known.")
    traded_value = number(help_text="In the market's currency.")


class MarketOverviewReply(serializers.Serializer[Any]):
    """One market. Every figure is of ``session``; every amount is in ``currency``."""

    market = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    session = serializers.DateField(
        allow_null=True, help_text="The last session that at least half of the stocks have a price of."
    )
    previous_session = serializers.DateField(
        allow_null=True, help_text="The session from whose closes the changes are."
    )
    running = serializers.BooleanField(help_text="The session goes on.")
    stale = serializers.BooleanField(help_text="The market has traded on since as_of.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="Time of the newest price.")
    computed_at = serializers.DateTimeField(help_text="At most ten seconds ago.")
    sources = serializers.ListField(child=serializers.CharField())
    closes = serializers.IntegerField(help_text="Stocks whose price is the close of a bar.")
    quotes = serializers.IntegerField(help_text="Stocks whose price is a quote.")
    breadth = BreadthReply()
    volume = serializers.IntegerField(allow_null=True, help_text="Shares traded in all.")
    traded_value = maybe(help_text="Sum of volume × price.")
    movers = Movers()
    most_active = MostActive()
    sectors = SectorReply(many=True, help_text="The best first; stocks without a sector last.")
    warnings = serializers.ListField(child=serializers.CharField())


class OverviewReply(serializers.Serializer[Any]):
    sandbox = serializers.BooleanField(help_text="All figures are invented.")
    markets = MarketOverviewReply(many=True, help_text=f"By code. Lists hold {LISTED} stocks at most.")


def overview_reply(overviews: Sequence[MarketOverview], sandbox: bool) -> dict[str, Any]:
    return {"sandbox": sandbox, "markets": [_market_reply(one) for one in overviews]}


def _market_reply(one: MarketOverview) -> dict[str, Any]:
    found = one.overview
    breadth = found.breadth

    def rows(figures: Sequence[Figure]) -> list[dict[str, Any]]:
        return [_row_reply(figure, one) for figure in figures]

    return {
        "market": one.market.code,
        "name": one.market.name,
        "currency": found.currency,
        "session": found.session,
        "previous_session": found.before,
        "running": one.running,
        "stale": one.stale,
        "as_of": one.as_of,
        "computed_at": one.now,
        "sources": found.sources,
        "closes": found.closes,
        "quotes": breadth.stocks - breadth.missing - found.closes,
        "breadth": _breadth_reply(breadth),
        "volume": found.volume,
        "traded_value": found.traded_value,
        "movers": {"up": rows(found.up), "down": rows(found.down)},
        "most_active": {"volume": rows(found.by_volume), "traded_value": rows(found.by_value)},
        "sectors": [_sector_reply(sector) for sector in found.sectors],
        "warnings": _warnings(one),
    }


def _breadth_reply(breadth: Breadth) -> dict[str, Any]:
    return {
        "advances": breadth.advances,
        "declines": breadth.declines,
        "unchanged": breadth.unchanged,
        "halted": breadth.halted,
        "unknown": breadth.unknown,
        "missing": breadth.missing,
        "stocks": breadth.stocks,
        "lagging": breadth.lagging,
        "new_highs_52w": breadth.new_highs,
        "new_lows_52w": breadth.new_lows,
        "ranged": breadth.ranged,
    }


def _row_reply(figure: Figure, one: MarketOverview) -> dict[str, Any]:
    stock = figure.standing
    as_of = figure.as_of or one.closed_at
    return {
        "code": stock.code,
        "name": stock.name,
        "sector": stock.sector or None,
        "currency": stock.currency,
        "price": figure.price,
        "previous_close": figure.previous_close,
        "change": figure.change,
        "change_pct": figure.change_pct,
        "volume": figure.volume,
        "traded_value": figure.traded_value,
        "as_of": as_of,
        "received_at": figure.received_at,
        "source": figure.source,
        "stale": one.is_stale(figure),
        "price_basis": figure.basis,
    }


def _sector_reply(sector: Sector) -> dict[str, Any]:
    return {
        "sector": sector.name or None,
        "stocks": sector.stocks,
        "advances": sector.advances,
        "declines": sector.declines,
        "average_change_pct": sector.average,
        "weighted_change_pct": sector.weighted,
        "weighted_stocks": sector.weighed,
        "traded_value": sector.traded_value,
    }


def _warnings(one: MarketOverview) -> list[str]:
    found = one.overview
    warnings = []
    if found.other_currencies:
        warnings.append(
            f"{found.other_currencies} stocks have prices in other currencies than {found.currency}: "
            "they count in the breadth and in no amount."
        )
    if one.skipped:
        warnings.append(
            f"The calendar lists {one.skipped} sessions between {found.before} and {found.session} "
            "that no bars are on file of."
        )
    return warnings
