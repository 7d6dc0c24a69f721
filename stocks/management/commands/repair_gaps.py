"""``manage.py repair_gaps``: sessions without a bar inside a stock's history, reported and asked for."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from stocks.management.data import DataCommand, Summary, progress, require
from stocks.management.loading import day
from stocks.providers.protocol import Capability
from stocks.selectors.loaded import Loaded
from stocks.services.asking import Asker
from stocks.services.backfill import Gap, find_gaps, inside, wanted_of
from stocks.services.jobs import Run
from stocks.services.loading_bars import load_bars

MAX_NAMED = 20


class Command(DataCommand):
    help = "Find sessions without a bar inside a stock's history, and ask the providers for them."
    name = "repair_gaps"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--report", type=Path, help="write the gaps to this CSV file")
        parser.add_argument(
            "--again", action="store_true", help="ask again for what was asked before and was not there"
        )

    def work(self, stocks: Sequence[Loaded], options: dict[str, Any], run: Run, asker: Asker) -> Summary:
        reach = inside(day("--from", options["start"]), day("--to", options["end"]))
        gaps, remembered = find_gaps(stocks, reach, again=options["again"])
        if options["report"]:
            _write(options["report"], gaps)
        if not options["dry_run"] and gaps:
            require(Capability.HISTORY)
            wanted = list(wanted_of(gaps))
            with progress("bars", len(wanted)) as done:
                load_bars(wanted, run=run, asker=asker, now=run.started_at, done=done)
        codes = list(dict.fromkeys(gap.stock.code for gap in gaps))
        return {
            "gaps": len(gaps),
            "missing_sessions": sum(gap.sessions for gap in gaps),
            "stocks_with_gaps": len(codes),
            "codes": codes[:MAX_NAMED],
            "remembered": remembered,
            "report": str(options["report"]) if options["report"] else None,
        }


def _write(path: Path, gaps: Sequence[Gap]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["code", "first", "last", "sessions"])
            rows.writerows([gap.stock.code, gap.first, gap.last, gap.sessions] for gap in gaps)
    except OSError as error:
        raise CommandError(f"The report cannot be written to {path}: {error.strerror}.") from None
