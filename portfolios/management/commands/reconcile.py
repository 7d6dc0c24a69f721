"""``manage.py reconcile``: hold holdings, lots and cash against the ledger."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.errors import PortfolioNotFound
from portfolios.management.ledgers import add_portfolio_option, chosen
from portfolios.services.rebuilding import portfolio_reconcile


class Command(BaseCommand):
    help = (
        "Say where holdings, lots or cash differ from the ledger, and change nothing; the last line on stdout"
        " is a JSON summary, and the exit code is 1 where anything differs."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_portfolio_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        began, breaks, looked_at = time.perf_counter(), 0, 0
        for portfolio_id in chosen(options):
            try:
                found = portfolio_reconcile(portfolio_id=portfolio_id)
            except PortfolioNotFound:
                # Archived since the list was read.
                continue
            looked_at += 1
            breaks += len(found)
            for line in found:
                self.stdout.write(f"{portfolio_id}: {line}")
        seconds = round(time.perf_counter() - began, 3)
        self.stdout.write(json.dumps({"portfolios": looked_at, "breaks": breaks, "seconds": seconds}))
        if breaks:
            raise CommandError(f"{breaks} differences; `manage.py rebuild_holdings` mends them.")
