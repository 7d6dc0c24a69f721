"""Compute the latest indicators of some stocks, of a market or of all."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from stocks.compute import compute_indicators
from stocks.compute.market import market_exists
from stocks.errors import StocksError


class Command(BaseCommand):
    help = "Compute the latest indicators; the last line on stdout is a JSON summary."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="*", metavar="CODE", help="only these stocks")
        parser.add_argument("--market", help="only stocks of this market")
        parser.add_argument(
            "--anew",
            action="store_true",
            help="believe nothing that was kept to save time: read every bar, compute every session",
        )
        parser.add_argument(
            "--spread",
            action="store_true",
            help="hand the work out to the Celery workers in chunks; it goes on after this command has ended",
        )
        parser.add_argument("--all", action="store_true", help="every stock (also where nothing is named)")
        parser.add_argument(
            "--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="count nothing later than this day"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"] and (options["codes"] or options["market"]):
            raise CommandError("--all stands alone: name codes or a market without it.")
        if options["spread"]:
            self._spread(options)
            return
        try:
            with tqdm(unit="stock", disable=not sys.stderr.isatty()) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                summary = compute_indicators(
                    codes=options["codes"] or None,
                    market=options["market"],
                    as_of=options["as_of"],
                    anew=options["anew"],
                    progress=show,
                )
        except StocksError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(asdict(summary)))
        if not summary.computed:
            raise CommandError("Nothing was computed: none of these stocks has bars.")

    def _spread(self, options: dict[str, Any]) -> None:
        if options["codes"] or options["as_of"] or options["anew"]:
            raise CommandError(
                "--spread computes a market or all, as of today; it takes no codes, --as-of or --anew."
            )
        try:
            market_exists(options["market"])
        except StocksError as error:
            raise CommandError(error.message) from error
        current_app.send_task("stocks.tasks.spread_indicators", [options["market"]], retry=False)
        self.stdout.write(json.dumps({"spread": options["market"] or "all"}))
