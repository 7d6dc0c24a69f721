from __future__ import annotations

import argparse
from typing import Any

from stocks.loading import snapshots, statements
from stocks.loading.kinds import Kind, Make
from stocks.loading.layouts import Header
from stocks.loading.source import SourceFile
from stocks.management.loading import LoadCommand, day, market, source


class Command(LoadCommand):
    help = "Load filed statements, or fundamentals as a vendor published them on one day."
    name = "load_statements"
    layouts = (statements.LAYOUT, snapshots.LAYOUT)
    market_help = "refuse stocks that are on another market"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--as-of", help="day of published fundamentals (else _YYYY_MM in the file's name)"
        )
        parser.add_argument(
            "--dividend-yield",
            choices=["percent", "fraction"],
            help="unit of the file's dividend yields (else a fraction where none is above 1)",
        )

    def make(self, options: dict[str, Any]) -> Make:
        where, named = market(options["market"]), source(options["source"])
        as_of, unit = day("--as-of", options["as_of"]), options["dividend_yield"]

        def kind(header: Header, file: SourceFile) -> Kind[Any]:
            if header.layout is statements.LAYOUT:
                return statements.Statements(header, market=where, source=named)
            return snapshots.Snapshots(
                header,
                file,
                as_of=as_of or snapshots.as_of_from_name(file.name),
                percent=None if unit is None else unit == "percent",
                market=where,
                source=named,
            )

        return kind
