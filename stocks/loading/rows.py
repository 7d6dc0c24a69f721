"""Row-wise checks, for files whose cells need more than columns of numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from stocks.loading.cells import BadCell
from stocks.loading.table import LINE, Batch, Refusal

DUPLICATE = "duplicate"
# Reads one cell of a row; a column that the file lacks is blank.
Cell = Callable[[str], str]
NumberedRow = tuple[int, tuple[Any, ...]]


def checked_rows(
    batch: Batch, parse: Callable[[Cell], tuple[Any, ...]]
) -> tuple[list[NumberedRow], list[Refusal]]:
    """The batch's rows as values with their line numbers, and a refusal for each that ``parse`` rejects."""
    rows: list[NumberedRow] = []
    refused: list[Refusal] = []
    for row in batch.frame.iter_rows(named=True):
        line = row.pop(LINE)
        try:
            rows.append((line, parse(lambda name, row=row: row.get(name, ""))))  # type: ignore[misc]  # bound now
        except BadCell as error:
            refused.append(Refusal(line, str(error), error.kind))
    return rows, refused


def without_repeated(
    rows: Iterable[NumberedRow], lines: dict[Any, int], key: Callable[[tuple[Any, ...]], Hashable]
) -> tuple[list[tuple[Any, ...]], list[Refusal]]:
    """The rows without their numbers; one whose key an earlier row had (``lines`` remembers) is refused."""
    kept: list[tuple[Any, ...]] = []
    refused: list[Refusal] = []
    for line, row in rows:
        first = lines.setdefault(key(row), line)
        if first == line:
            kept.append(row)
        else:
            refused.append(Refusal(line, f"duplicate of line {first}", DUPLICATE))
    return kept, refused
