from __future__ import annotations

from typing import Any

from stocks import quote_cache
from stocks.loading.kinds import Make
from stocks.loading.listings import LAYOUTS, VENUE_NOT_STATED, Listings
from stocks.management.loading import LoadCommand, market, source


class Command(LoadCommand):
    help = "Load stocks from a listing: code, name, market, sector, industry, ISIN, listing date, shares."
    name = "load_stocks"
    layouts = LAYOUTS
    market_help = f"market of rows that name none ({VENUE_NOT_STATED} where the file has no such column)"

    def make(self, options: dict[str, Any]) -> Make:
        where = market(options["market"])
        return lambda header, _: Listings(header, market=where, source=source(options["source"]))

    def handle(self, *args: Any, **options: Any) -> str:
        line = super().handle(*args, **options)
        # A stock may be of another market or currency now.
        quote_cache.forget_all()
        return line
