"""``manage.py rebuild_holdings``: fold holdings, lots and cash from the ledger anew."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portfolios.errors import PortfolioNotFound
from portfolios.management.ledgers import add_portfolio_option, chosen
from portfolios.services.rebuilding import holdings_rebuild


class Command(BaseCommand):
    help = (
        "Make holdings, lots and cash what the ledger says, one portfolio at a time; the last line on stdout"
        " is a JSON summary."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_portfolio_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        began, rows, changed, looked_at = time.perf_counter(), 0, 0, 0
        impossible: list[str] = []
        for portfolio_id in chosen(options):
            try:
                counted, breaks = holdings_rebuild(portfolio_id=portfolio_id, now=timezone.now())
            except PortfolioNotFound:
                # Archived since the list was read.
                continue
            except ValueError as error:
                impossible.append(f"{portfolio_id}: {error}")
                continue
            looked_at, rows, changed = looked_at + 1, rows + counted, changed + bool(breaks)
            for line in breaks:
                self.stdout.write(f"{portfolio_id}: {line}")
        seconds = round(time.perf_counter() - began, 3)
        summary = {"portfolios": looked_at, "transactions": rows, "changed": changed, "seconds": seconds}
        self.stdout.write(json.dumps({**summary, "impossible": impossible}))
        if impossible:
            raise CommandError(f"{len(impossible)} ledgers take more of a stock than there is.")
