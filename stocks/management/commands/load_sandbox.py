"""Fill the database with the sandbox market, or bring it up to the last finished session."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from stocks.errors import StocksError
from stocks.providers.sandbox import Sandbox
from stocks.sandbox_fill import fill_sandbox


class Command(BaseCommand):
    help = "Add what is missing of the invented market; the last line on stdout is a JSON summary."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stocks-per-market", type=int, metavar="N", help="a smaller market, with the well-known stocks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        display = _Bars() if sys.stderr.isatty() else _Lines()
        try:
            summary = fill_sandbox(
                sandbox=Sandbox(stocks_per_market=options["stocks_per_market"]), progress=display
            )
        except StocksError as error:
            raise CommandError(error.message) from error
        finally:
            display.close()
        self.stdout.write(json.dumps(asdict(summary), default=str))


class _Bars:
    """A progress bar for each kind of work."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None or self._bar.desc != f"sandbox {what}: ":
            self.close()
            self._bar = tqdm(total=total, unit="stock", desc=f"sandbox {what}")
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Lines:
    """A line as each kind of work ends, for logs."""

    def __call__(self, what: str, done: int, total: int) -> None:
        if done == total:
            sys.stderr.write(f"sandbox {what}: {total} stocks\n")

    def close(self) -> None:
        sys.stderr.flush()
