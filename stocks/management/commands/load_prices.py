from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from stocks.loading.kinds import Make
from stocks.loading.prices import LAYOUTS, Prices
from stocks.management.loading import LoadCommand, market, source


class Command(LoadCommand):
    help = "Load daily bars: code, date, open, high, low, close, volume."
    name = "load_prices"
    layouts = LAYOUTS
    market_help = "market of the stocks that --create-missing adds"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--create-missing", action="store_true", help="add codes that are not listed, on --market"
        )

    def make(self, options: dict[str, Any]) -> Make:
        where = market(options["market"])
        if options["create_missing"] and where is None:
            raise CommandError("--create-missing needs --market: on which market shall the codes be added?")
        added_to = where if options["create_missing"] else None
        return lambda *_: Prices(source=source(options["source"]), market=added_to)
