"""``manage.py prune``: delete what is old."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stocks.management.data import this_run, told_in_one_line
from stocks.services.pruning import KINDS, kept_days, prune


class Command(BaseCommand):
    help = "Delete old rows of kinds that only grow; the last line on stdout is a JSON summary."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        defaults = kept_days()
        for kind in KINDS:
            option = f"--{kind.replace('_', '-')}"
            parser.add_argument(
                option, type=int, metavar="DAYS", help=f"days to keep ({defaults.get(kind, 'all')})"
            )
        parser.add_argument("--dry-run", action="store_true", help="count what would go, and keep it")

    def handle(self, *args: Any, **options: Any) -> str:
        days = kept_days(**{kind: options[kind] for kind in KINDS})
        if any(number < 0 for number in days.values()):
            raise CommandError("Days to keep are 0 or more.")
        began = time.perf_counter()
        with told_in_one_line(), this_run("prune", options) as run:
            deleted = prune(now=run.started_at, days=days, dry_run=options["dry_run"])
            run.counts.update(deleted)
        seconds = round(time.perf_counter() - began, 3)
        dry = {"dry_run": True} if options["dry_run"] else {}
        return json.dumps({**dry, **deleted, "kept_days": days, "seconds": seconds})
