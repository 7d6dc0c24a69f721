"""What became of each row of a file: some of it for a reply, all of it as packed CSV."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final
from uuid import UUID

from portfolios.importing.limits import SHOWN_ROWS
from portfolios.models import ImportRun
from portfolios.services.imports.staging import rows_of
from stocks.loading.database import execute

HEADER: Final = ("line", "status", "column", "reason", "transaction_id")
_IN_MEMORY: Final = 256 * 1024
_PIECE: Final = 64 * 1024
_STORED_AT_ONCE: Final = 256 * 1024
# A row that was new in a run that wrote nothing is none of the ledger.
_SHOWN = """
SELECT line, status, place, reason,
       CASE WHEN status = 'duplicate' THEN matched WHEN %(written)s THEN id END
  FROM import_stage
"""


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A row: ``new``, ``duplicate``, ``refused`` or ``skipped``; ``transaction`` is its row of the ledger."""

    line: int
    status: str
    column: str
    reason: str
    transaction: UUID | None


def shown_rows(*, written: bool) -> list[ReportedRow]:
    """The first rows: the refused ones, then duplicates, then the others."""
    ordered = _SHOWN + " ORDER BY status <> 'refused', status <> 'duplicate', line LIMIT %(most)s"
    return [ReportedRow(*row) for row in execute(ordered, {"written": written, "most": SHOWN_ROWS})]


def packed_report(*, written: bool) -> IO[bytes]:
    """All rows as CSV, packed, on disk where they are many."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (kept open)
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=5, mtime=0) as packed:
        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            lines = csv.writer(text)
            lines.writerow(HEADER)
            lines.writerows(rows_of(_SHOWN + " ORDER BY line", {"written": written}))
    file.seek(0)
    return file


def store_report(run: ImportRun, report: IO[bytes]) -> None:
    """Store a packed report with its run, in the transaction that made the run.

    A value is written out several times over on its way to the database: whole, a report of a long file would
    take ten times its size there.
    """
    while piece := report.read(_STORED_AT_ONCE):
        execute("UPDATE portfolios_importrun SET report = report || %s WHERE id = %s", [piece, run.pk])


def unpacked(report: IO[bytes]) -> Iterator[bytes]:
    """The CSV of a packed report, in pieces."""
    with report, gzip.GzipFile(fileobj=report, mode="rb") as file:
        while piece := file.read(_PIECE):
            yield piece
