"""``manage.py backfill``: history from the providers, as far as it is missing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from stocks.management.data import DataCommand, Summary, progress, require
from stocks.management.loading import day
from stocks.providers.protocol import Capability
from stocks.selectors.loaded import Loaded
from stocks.services import backfill
from stocks.services.asking import Asker
from stocks.services.fetched import asked_since
from stocks.services.jobs import Run
from stocks.services.loading_bars import load_bars
from stocks.services.loading_reports import load_actions, load_statements

KINDS = {
    "bars": Capability.HISTORY,
    "actions": Capability.ACTIONS,
    "statements": Capability.STATEMENTS,
}
REPORTS = {"actions": load_actions, "statements": load_statements}


class Command(DataCommand):
    help = "Ask the providers for the history that is missing: bars, corporate actions, statements."
    name = "backfill"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--what", default="actions,bars,statements", help="any of bars, actions and statements, by commas"
        )
        parser.add_argument(
            "--replace", action="store_true", help="let bars of providers replace those of files"
        )
        parser.add_argument(
            "--again", action="store_true", help="ask again for what was asked before and was not there"
        )

    def work(self, stocks: Sequence[Loaded], options: dict[str, Any], run: Run, asker: Asker) -> Summary:
        now = run.started_at
        start, end = day("--from", options["start"]), day("--to", options["end"])
        first = start or now.date() - timedelta(days=round(365.25 * settings.BACKFILL_YEARS))
        kinds = _kinds(options["what"])
        facts: Summary = {"what": kinds}
        for kind in kinds:
            require(KINDS[kind])
        # Actions come first, so that no bar stands in the database before the split that explains it.
        for kind in [one for one in kinds if one != "bars"]:
            asked = set() if options["again"] else asked_since(kind, first, now=now)
            wanted = [stock for stock in stocks if stock.code not in asked]
            facts[f"{kind}_calls"] = len(wanted)
            if not options["dry_run"]:
                with progress(kind, len(wanted)) as done:
                    REPORTS[kind](wanted, run=run, asker=asker, now=now, start=first, end=end, done=done)
        if "bars" in kinds:
            facts |= self._bars(stocks, options, run, asker, first, end)
        return facts

    def _bars(
        self,
        stocks: Sequence[Loaded],
        options: dict[str, Any],
        run: Run,
        asker: Asker,
        first: date,
        end: date | None,
    ) -> Summary:
        now = run.started_at
        if options["replace"]:
            stocks, rebased = backfill.without_rebased(stocks)
            run.count("rebased", len(rebased))
            for stock in rebased:
                run.note(f"{stock.code}: its files were adjusted at different dates, so its bars stay")
            wanted = list(backfill.whole(stocks, backfill.between(first, end, now)))
            remembered = 0
        else:
            gaps, remembered = backfill.find_gaps(
                stocks, backfill.between(first, end, now), again=options["again"]
            )
            wanted = list(backfill.wanted_of(gaps))
        if not options["dry_run"]:
            with progress("bars", len(wanted)) as done:
                load_bars(wanted, run=run, asker=asker, now=now, replace=options["replace"], done=done)
        return {"bars_calls": len(wanted), "remembered": remembered}


def _kinds(text: str) -> list[str]:
    kinds = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not kinds or not set(kinds) <= set(KINDS):
        raise CommandError(f"--what {text}: it is any of {', '.join(KINDS)}, by commas.")
    return kinds
