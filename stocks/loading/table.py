"""Blocks of lines as tables of text: one row a line, one column a field the load asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from stocks.loading.lines import Block

LINE = "line"
MAX_ROWS = 65_536
_COMMA, _NEWLINE = ord(","), ord("\n")


class Refusal(NamedTuple):
    """A row that is not loaded: its line, why, and the words under which it is counted."""

    line: int
    reason: str
    kind: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a block: ``frame`` has the row's number as ``line`` and text columns, "" where a cell is blank.

    ``refused`` are the lines that are no rows at all; ``rows`` counts both, and no blank lines.
    """

    block: Block
    frame: pl.DataFrame
    refused: list[Refusal] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.frame.height + len(self.refused)


def batches(block: Block, width: int, columns: Mapping[str, int]) -> Iterator[Batch]:
    """Split the block's lines into their ``width`` fields and keep ``columns`` (name ⇒ position).

    One line is one row: a quoted field may hold commas and doubled quotes, not a line break.
    """
    if _is_regular(block.data, width):
        frame = _read(block, width, columns)
        for start in range(0, frame.height, MAX_ROWS):
            yield Batch(block, frame.slice(start, MAX_ROWS))
        return
    lines = block.lines()
    for start in range(0, len(lines), MAX_ROWS):
        first = block.first_line + start
        yield _parse(block, first, lines[start : start + MAX_ROWS], width, columns)


def _is_regular(data: bytes, width: int) -> bool:
    """Whether every line has its ``width`` fields and none is quoted, so that plain splitting reads it."""
    if b'"' in data or b"\r" in data:
        return False
    characters = np.frombuffer(data, np.uint8)
    separators = characters[(characters == _COMMA) | (characters == _NEWLINE)]
    if separators.size % width:
        return False
    expected = np.full(width, _COMMA, np.uint8)
    expected[-1] = _NEWLINE
    return bool((separators.reshape(-1, width) == expected).all())


def _read(block: Block, width: int, columns: Mapping[str, int]) -> pl.DataFrame:
    frame = pl.read_csv(
        io.BytesIO(block.data),
        has_header=False,
        schema={str(position): pl.String for position in range(width)},
        columns=sorted(set(columns.values())),
        quote_char=None,
        empty_string_is_null=False,
        raise_if_empty=False,
    )
    cells = [pl.col(str(position)).alias(name) for name, position in columns.items()]
    # Only ASCII without blanks has nothing to strip; other scripts have spaces of their own.
    if b" " in block.data or b"\t" in block.data or not block.data.isascii():
        cells = [cell.str.strip_chars() for cell in cells]
    numbered = pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.UInt32).alias(LINE)
    return frame.select(numbered, *cells)


def _parse(block: Block, first: int, lines: list[bytes], width: int, columns: Mapping[str, int]) -> Batch:
    positions = list(columns.values())
    numbers: list[int] = []
    rows: list[list[str]] = []
    refused: list[Refusal] = []
    for number, line in enumerate(lines, first):
        text = line.decode()
        if not text.strip():
            continue
        try:
            fields = next(csv.reader([text], strict=True))
        except csv.Error as error:
            refused.append(Refusal(number, f"not readable as CSV: {error}", "not readable as CSV"))
            continue
        if len(fields) != width:
            reason = f"{len(fields)} fields where the header has {width}"
            refused.append(Refusal(number, reason, "wrong number of fields"))
            continue
        numbers.append(number)
        rows.append([fields[position] for position in positions])
    schema = dict.fromkeys(columns, pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.all().str.strip_chars())
    return Batch(block, frame.insert_column(0, pl.Series(LINE, numbers, pl.UInt32)), refused)
