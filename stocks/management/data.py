"""What the commands share that ask providers for data: options, progress, the summary line, their run."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from stocks.dataset import refuse_sandbox
from stocks.errors import StocksError
from stocks.management.loading import market
from stocks.providers.protocol import Capability
from stocks.providers.registry import refuse_mixture
from stocks.selectors.loaded import Loaded, loaded_stocks
from stocks.services.asking import Asker, is_live
from stocks.services.jobs import Run, job_run

Summary = dict[str, Any]
Done = Callable[[int], None]


class DataCommand(BaseCommand):
    """A command over stocks; the last line on stdout is a JSON object, progress goes to stderr.

    The exit code is 0 also when a quota is used up: the summary then says so (``stopped``), and when to go on
    (``go_on_at``). The same command goes on where it stopped.
    """

    name: str

    def work(self, stocks: Sequence[Loaded], options: dict[str, Any], run: Run, asker: Asker) -> Summary:
        """Do it; returns facts for the summary beside the counts of the run."""
        raise NotImplementedError

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--market", default="", help="only stocks of this market")
        parser.add_argument(
            "--code", action="append", default=[], metavar="CODE", help="only this stock; repeatable"
        )
        parser.add_argument("--from", dest="start", metavar="YYYY-MM-DD", help="first day")
        parser.add_argument("--to", dest="end", metavar="YYYY-MM-DD", help="last day")
        parser.add_argument("--dry-run", action="store_true", help="say what would be asked, and ask nothing")

    def handle(self, *args: Any, **options: Any) -> str:
        began = time.perf_counter()
        asker = Asker()
        with told_in_one_line():
            refuse_mixture()
            refuse_sandbox()
            stocks = self._stocks(options)
            with this_run(self.name, options) as run:
                facts = self.work(stocks, options, run, asker)
        return json.dumps(
            {
                "stocks": len(stocks),
                **({"dry_run": True} if options["dry_run"] else {}),
                **facts,
                **run.counts,
                **_stops(asker),
                "notes": run.errors,
                "seconds": round(time.perf_counter() - began, 3),
            },
            ensure_ascii=False,
        )

    def _stocks(self, options: dict[str, Any]) -> list[Loaded]:
        where = market(options["market"])
        codes = list(dict.fromkeys(options["code"])) or None
        found = loaded_stocks(asked="bars", markets=[where.code] if where else None, codes=codes)
        unknown = sorted(set(codes or ()) - {stock.code for stock in found})
        if unknown:
            raise CommandError(f"--code {unknown[0]}: there is no such stock{_on(where)}.")
        if not found:
            raise CommandError(f"There are no stocks{_on(where)}: load some with manage.py load_stocks.")
        return found


def require(capability: Capability) -> None:
    """Raise CommandError where no provider of real data is configured for it."""
    if not is_live(capability):
        raise CommandError(
            f"MARKET_DATA names no provider of real data with {capability.value}: name one, "
            "for example MARKET_DATA=yahoo."
        )


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn what an operator can mend into a CommandError of one line."""
    try:
        yield
    except StocksError as error:
        raise CommandError(error.message) from error
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(f"The database refused: {' '.join(str(error).split())[:1000]}") from error


@contextmanager
def this_run(name: str, options: dict[str, Any]) -> Iterator[Run]:
    """The run of a command: its slot is its start, and one that only looks is not noted."""
    now = timezone.now()
    if options["dry_run"]:
        yield Run(0, now)
        return
    with job_run(task=name, slot=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", now=now) as run:
        if run is None:
            raise CommandError("Another run began in this very moment.")
        yield run


@contextmanager
def progress(what: str, total: int) -> Iterator[Done]:
    """A bar on stderr where somebody looks at it; call what it yields with the number that is done."""
    with tqdm(desc=what, total=total, file=sys.stderr, leave=False, disable=not sys.stderr.isatty()) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        yield show


def _stops(asker: Asker) -> Summary:
    if not asker.stops:
        return {}
    return {
        "stopped": sorted(stop.reason for stop in asker.stops.values()),
        "go_on_at": _written(asker.go_on_at),
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _on(where: Any) -> str:
    return f" on {where.code}" if where else ""
