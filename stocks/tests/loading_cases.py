"""What the tests of the load commands share: files, stocks, and runs of a command."""

from __future__ import annotations

import csv
import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from stocks.models import CorporateAction, DailyBar, Dataset, Stock

HEADER = "code,date,open,high,low,close,volume"


def list_stocks(*codes: str, market: str = "KOSPI", currency: str = "KRW") -> list[Stock]:
    return [
        Stock.objects.create(
            code=code, name=f"Stock {code}", market_id=market, currency=currency, source="test"
        )
        for code in codes
    ]


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    """A CSV file of these lines, gzip where its name says so."""
    text = "".join(f"{line}\n" for line in (header, *rows)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def load(command: str, path: Path, *options: str) -> dict[str, Any]:
    """Run a load command; its summary is the last line on stdout, and adds up."""
    out = StringIO()
    call_command(command, str(path), *options, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    assert_adds_up(summary)
    return summary


def refused_load(command: str, path: Path | str, *options: str) -> str:
    """Run a load command that must fail; returns its one line of complaint."""
    out = StringIO()
    try:
        call_command(command, str(path), *options, stdout=out)
    except CommandError as error:
        message = str(error)
    else:
        raise AssertionError(f"{command} {path} did not fail: {out.getvalue()}")
    assert message and len(message.splitlines()) == 1, message
    return message


def assert_adds_up(summary: dict[str, Any]) -> None:
    parts = sum(summary[name] for name in ("inserted", "updated", "unchanged", "refused"))
    assert summary["rows_in"] == parts, summary
    assert summary["refused"] == sum(summary["reasons"].values()), summary


def counts(summary: dict[str, Any]) -> tuple[int, int, int, int]:
    """Inserted, updated, unchanged, refused."""
    return tuple(summary[name] for name in ("inserted", "updated", "unchanged", "refused"))


def report_rows(path: Path) -> list[tuple[int, str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "reason", "text"]
    return [(int(line), reason, text) for line, reason, text in rows]


def bars(code: str) -> list[tuple[str, ...]]:
    """Day, open, high, low, close and volume of the stock's bars, as text; "" for null."""
    rows = DailyBar.objects.filter(stock__code=code).order_by("date")
    return [
        (
            row.date.isoformat(),
            *("" if price is None else f"{price.normalize():f}" for price in (row.open, row.high, row.low)),
            f"{row.close.normalize():f}",
            str(row.volume),
        )
        for row in rows
    ]


def rebases(code: str) -> list[tuple[str, str]]:
    rows = CorporateAction.objects.filter(stock__code=code, kind="rebase").order_by("ex_date")
    return [(row.ex_date.isoformat(), f"{row.ratio.normalize():f}") for row in rows if row.ratio]


def version() -> int:
    return Dataset.objects.get(id=1).version
