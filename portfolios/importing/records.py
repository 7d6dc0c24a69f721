"""CSV as records, read a line at a time: whatever a file holds, little of it is in memory at once.

The format is RFC 4180 with any of a few delimiters and line ends of either kind. What does not follow it is
refused with its line and column, and nothing is guessed: a quote that is never closed would otherwise swallow
the rest of the file, and a NUL would end a text early wherever it goes next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NoReturn

from portfolios.errors import FileUnreadable
from portfolios.importing.limits import MAX_CELL, MAX_COLUMNS, MAX_LINE

_BOM = b"\xef\xbb\xbf"


class Records:
    """The records of a file: the line on which each begins, counted from 1, and its cells.

    Blank lines are left out. ``encoding`` is one in which line ends, quotes and delimiters are the bytes of
    ASCII. Raises FileUnreadable.
    """

    def __init__(self, stream: IO[bytes], *, delimiter: str = ",", encoding: str = "utf-8") -> None:
        self._stream, self._delimiter, self._encoding = stream, delimiter, encoding
        self._line = 0
        self._end = ""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while (text := self._next()) is not None:
            began = self._line
            if '"' in text:
                cells = self._quoted(text)
            elif text.strip():
                cells = text.split(self._delimiter)
            else:
                continue
            self._check(began, cells, len(text))
            yield began, cells

    def skip(self, lines: int) -> None:
        """Leave lines out, whatever they hold."""
        for _ in range(lines):
            self._next()

    def _next(self) -> str | None:
        """The next line without its end, which is kept aside; None after the last one."""
        raw = self._stream.readline(MAX_LINE + 1)
        if not raw:
            return None
        self._line += 1
        if self._line == 1 and raw.startswith(_BOM):
            raw = raw[len(_BOM) :]
        if len(raw) > MAX_LINE:
            self._refuse(f"is longer than {MAX_LINE:,} bytes", raw)
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            self._refuse(f"is not {self._encoding}", raw[: error.start])
        bare = text.removesuffix("\n").removesuffix("\r")
        self._end = text[len(bare) :]
        return bare

    def _refuse(self, reason: str, before: bytes) -> NoReturn:
        raise FileUnreadable(reason, line=self._line, column=before.count(self._delimiter.encode()) + 1)

    def _check(self, line: int, cells: list[str], length: int) -> None:
        if len(cells) > MAX_COLUMNS:
            raise FileUnreadable(f"has more than {MAX_COLUMNS} cells", line=line, column=len(cells))
        if length > MAX_CELL:
            for column, cell in enumerate(cells, 1):
                if len(cell) > MAX_CELL:
                    raise FileUnreadable(f"holds more than {MAX_CELL:,} characters", line=line, column=column)
        for column, cell in enumerate(cells, 1):
            if "\0" in cell:
                raise FileUnreadable("holds a NUL character", line=line, column=column)

    def _quoted(self, text: str) -> list[str]:
        """The cells of a record that has quotes; it may go on over further lines."""
        cells: list[str] = []
        at = 0
        while True:
            if text.startswith('"', at):
                cell, text, at = self._inside(text, at + 1, len(cells) + 1)
                cells.append(cell)
                if at == len(text):
                    return cells
                if not text.startswith(self._delimiter, at):
                    raise FileUnreadable(
                        "goes on after its closing quote", line=self._line, column=len(cells)
                    )
                at += 1
                continue
            end = text.find(self._delimiter, at)
            cell = text[at:] if end < 0 else text[at:end]
            if '"' in cell:
                raise FileUnreadable(
                    "has a quote inside, and none around it", line=self._line, column=len(cells) + 1
                )
            cells.append(cell)
            if end < 0:
                return cells
            at = end + 1

    def _inside(self, text: str, at: int, column: int) -> tuple[str, str, int]:
        """A quoted cell, the line on which it ends, and the place behind its closing quote there."""
        began, size = self._line, 0
        parts: list[str] = []
        while True:
            end = text.find('"', at)
            parts.append(text[at:] + self._end if end < 0 else text[at:end])
            size += len(parts[-1])
            if size > MAX_CELL:
                raise FileUnreadable(
                    f"holds more than {MAX_CELL:,} characters, or its quote is never closed",
                    line=began,
                    column=column,
                )
            if end < 0:
                more = self._next()
                if more is None:
                    raise FileUnreadable("has a quote that is never closed", line=began, column=column)
                text, at = more, 0
            elif text.startswith('"', end + 1):
                parts.append('"')
                at = end + 2
            else:
                return "".join(parts), text, end + 1
