"""Compute the latest indicators of some stocks, of a market or of all."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from stocks.compute import compute_indicators
from stocks.errors import StocksError


class Command(BaseCommand):
    help = "Compute the latest indicators; the last line on stdout is a JSON summary."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="*", metavar="CODE", help="only these stocks")
        parser.add_argument("--market", help="only stocks of this market")
        parser.add_argument("--all", action="store_true", help="every stock (also where nothing is named)")
        parser.add_argument(
            "--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="count nothing later than this day"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"] and (options["codes"] or options["market"]):
            raise CommandError("--all stands alone: name codes or a market without it.")
        try:
            with tqdm(unit="stock", disable=not sys.stderr.isatty()) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                summary = compute_indicators(
                    codes=options["codes"] or None,
                    market=options["market"],
                    as_of=options["as_of"],
                    progress=show,
                )
        except StocksError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(asdict(summary)))
        if not summary.computed:
            raise CommandError("Nothing was computed: none of these stocks has bars.")
