"""Rows of a screen as CSV, piece by piece, with nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from stocks.figures import plain

LINES_A_PIECE: Final = 500
# With these a spreadsheet takes a cell for a formula; the wide ones are turned into narrow ones by some.
_BEGIN_FORMULAS: Final = tuple("=+-@\t\r\n＝＋－＠")


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A header and a line a row, unknown values empty; some hundred lines at a time."""
    rest = iter(rows)
    piece: list[Sequence[Any]] = [columns]
    while piece:
        text = io.StringIO()
        csv.writer(text).writerows(piece)
        yield text.getvalue()
        piece = [[_cell(row[name]) for name in columns] for row in islice(rest, LINES_A_PIECE)]


def _cell(value: Any) -> str:
    """A cell; a text that would begin a formula has an apostrophe before it, which shows it as it is."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_BEGIN_FORMULAS) else text
