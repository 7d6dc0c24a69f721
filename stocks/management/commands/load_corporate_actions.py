from __future__ import annotations

import argparse
from typing import Any

from stocks.loading.actions import LAYOUTS, Actions
from stocks.loading.kinds import Make
from stocks.management.loading import LoadCommand, market, source


class Command(LoadCommand):
    help = "Load corporate actions: code, kind (split, bonus, dividend), ex_date, ratio or amount, currency."
    name = "load_corporate_actions"
    layouts = LAYOUTS
    market_help = "refuse stocks that are on another market"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--as-given",
            action="store_true",
            help="take splits also where the stored bars seem to be adjusted for them already",
        )

    def make(self, options: dict[str, Any]) -> Make:
        where = market(options["market"])
        return lambda *_: Actions(
            market=where, source=source(options["source"]), as_given=options["as_given"]
        )
