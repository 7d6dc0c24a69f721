"""The rows a load refused: counted by reason, and written to a CSV file for whoever mends the source."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from stocks.errors import LoadRefused
from stocks.loading.lines import Block
from stocks.loading.table import Refusal

MAX_TEXT = 500
# A spreadsheet would take a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Report:
    """Collects refusals; with a path, a CSV file of line, reason and the row's text (capped) as well.

    The file appears complete or not at all: it is written beside its place and moved there at the end. One
    that nobody asked for (``unasked``) appears only where a row was refused.
    """

    def __init__(self, path: Path | None, *, source: Path, unasked: bool = False) -> None:
        self.path = path
        self._unasked = unasked
        self.reasons: Counter[str] = Counter()
        self._file: IO[str] | None = None
        self._rows: Any = None
        if path is None:
            return
        if path.exists() and (not path.is_file() or path.samefile(source)):
            raise LoadRefused(f"The report cannot be written to {path}: it is no ordinary file of its own.")
        self._beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._file = self._beside.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise LoadRefused(f"The report cannot be written to {path}: {error.strerror}.") from None
        self._rows = csv.writer(self._file)
        self._rows.writerow(["line", "reason", "text"])

    @property
    def refused(self) -> int:
        return self.reasons.total()

    @property
    def written_to(self) -> Path | None:
        """Where the file will be found; None where there will be none."""
        return None if self._unasked and not self.refused else self.path

    def add(self, refusals: Sequence[Refusal], block: Block) -> None:
        """Note these rows of the block."""
        self.reasons.update(refusal.kind for refusal in refusals)
        if self._file is None or not refusals:
            return
        lines = block.lines()
        try:
            self._rows.writerows(
                [refusal.line, refusal.reason, _cell(lines[refusal.line - block.first_line])]
                for refusal in refusals
            )
        except OSError as error:
            raise LoadRefused(f"The report cannot be written to {self.path}: {error.strerror}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None or self.path is None:
            return
        try:
            self._file.close()
            if kind is None and self.written_to is not None:
                self._beside.replace(self.path)
        except OSError as failure:
            raise LoadRefused(f"The report cannot be written to {self.path}: {failure.strerror}.") from None
        finally:
            self._beside.unlink(missing_ok=True)


def _cell(line: bytes) -> str:
    # No character of UTF-8 is longer than four bytes.
    text = line[: 4 * MAX_TEXT].decode(errors="ignore")
    capped = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
    return f"'{capped}" if capped.startswith(_FORMULA) else capped
