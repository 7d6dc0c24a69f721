"""What the load commands share: options, progress, the summary line and one-line errors."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Never

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from tqdm import tqdm

from stocks.errors import StocksError
from stocks.loading.kinds import Make
from stocks.loading.layouts import Layout
from stocks.loading.run import Job, Summary, load_file
from stocks.models import Market


class LoadCommand(BaseCommand):
    """Loads one file; the last line on stdout is a JSON object, the exit code is 0 when rows are loaded."""

    name: str
    layouts: Sequence[Layout]
    #: What --market means to this command; empty where it has no such option.
    market_help: str = ""

    def make(self, options: dict[str, Any]) -> Make:
        """How to make the kind of load from the command's options."""
        raise NotImplementedError

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file, plain or gzip, UTF-8")
        parser.add_argument(
            *["--map", "-m"],
            action="append",
            default=[],
            metavar="OURS=THEIRS",
            help="name of one of our columns in this file; repeatable",
        )
        if self.market_help:
            parser.add_argument("--market", default="", help=self.market_help)
        parser.add_argument("--source", default="csv", help="source noted on the rows (csv)")
        parser.add_argument(
            "--report", type=Path, help="write refused rows to this CSV file (STATE_DIR/reports/…)"
        )
        parser.add_argument("--force", action="store_true", help="load a file that was loaded before")
        parser.add_argument("--dry-run", action="store_true", help="do everything, then undo it")

    def handle(self, *args: Any, **options: Any) -> str:
        job = Job(
            command=self.name,
            path=Path(options["file"]),
            mapping=_mapping(options["map"]),
            report=Path(options["report"]) if options["report"] else self._usual_report(options["file"]),
            report_unasked=not options["report"],
            force=options["force"],
            dry_run=options["dry_run"],
        )
        try:
            with _progress(self.name) as bar:

                def watch(position: int, size: int) -> None:
                    bar.total = size
                    bar.update(position - bar.n)

                summary = load_file(job, self.layouts, self.make(options), watch=watch, say=self.stderr.write)
        except StocksError as error:
            raise CommandError(_one_line(error.message)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused the load: {_one_line(str(error))}") from error
        except OSError as error:
            raise CommandError(_one_line(f"The load failed: {error}")) from error
        line = json.dumps(summary, ensure_ascii=False)
        if summary["refused"] == summary["rows_in"]:
            self.stdout.write(line)
            raise CommandError(_nothing_loaded(summary))
        return line

    def _usual_report(self, file: str | Path) -> Path | None:
        """Where refused rows go when nobody says; None where that cannot be written, as in a container."""
        folder = Path(settings.STATE_DIR) / "reports"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        if not os.access(folder, os.W_OK):
            return None
        return folder / f"{self.name}-{Path(file).name[:100]}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.csv"


def market(code: str) -> Market | None:
    """The market of --market, None where the option is absent."""
    if not code:
        return None
    found = Market.objects.filter(code=code).first()
    if found is None:
        known = ", ".join(Market.objects.order_by("code").values_list("code", flat=True))
        raise CommandError(f"--market {code}: there is no such market; there are {known}.")
    return found


def day(option: str, text: str | None) -> date | None:
    """The date of an option, None where it is absent."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} {text}: that is no date (YYYY-MM-DD).") from None


def source(text: str) -> str:
    """The word of --source."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,16}", text):
        raise CommandError("--source: a source is 1 to 16 letters, digits, dots, dashes or underscores.")
    return text


def _mapping(texts: Iterable[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for text in texts:
        ours, equals, theirs = (part.strip() for part in text.partition("="))
        if not (ours and equals and theirs):
            raise CommandError(f"--map {text}: it is written ours=theirs.")
        if ours in mapping:
            raise CommandError(f"--map {text}: {ours} is already mapped to {mapping[ours]}.")
        mapping[ours] = theirs
    return mapping


def _progress(name: str) -> tqdm[Never]:
    return tqdm(
        desc=name, unit="B", unit_scale=True, file=sys.stderr, leave=False, disable=not sys.stderr.isatty()
    )


def _nothing_loaded(summary: Summary) -> str:
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in list(summary["reasons"].items())[:3])
    return (
        f"Nothing was loaded: all {summary['rows_in']:,} rows of {summary['file']} were refused: {reasons}."
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]
