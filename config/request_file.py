"""The file of the request log: a line is one write, or a part of one, whatever else writes to the same file.

A handler of the standard library looks at the file before each line, and rotates it as if it were alone. Here
several processes append to one file; each looks from time to time how large it is, and whether another one
has begun a new one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Bytes that a process writes between two looks.
LOOK_EVERY = 64 * 1024


class RequestFile(logging.Handler):
    """Appends to ``filename`` and keeps ``backups`` older files, ``.1`` being the newest of them.

    A file grows over ``max_bytes`` by no more than what each process writes between two looks.
    """

    def __init__(self, filename: str, max_bytes: int, backups: int) -> None:
        super().__init__()
        self.path = Path(filename)
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: int | None = None
        self._unseen = 0
        # What is to be written in one step, while `together` is open.
        self._lines: list[bytes] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n".encode(errors="backslashreplace")
        if self._lines is not None:
            self._lines.append(line)
            return
        try:
            self._write(line)
        except OSError:
            # Such as a full disk: the request goes on, and standard error tells.
            self.handleError(record)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what this thread logs meanwhile in one step, at the end; other threads wait so long."""
        self.acquire()
        self._lines = []
        try:
            yield
        finally:
            lines, self._lines = self._lines, None
            try:
                if lines:
                    self._write(b"".join(lines))
            except OSError:
                self.handleError(logging.makeLogRecord({"msg": f"{len(lines)} requests are not in the file"}))
            finally:
                self.release()

    def _write(self, lines: bytes) -> None:
        if self._file is None:
            self._open()
        assert self._file is not None
        os.write(self._file, lines)
        self._unseen += len(lines)
        if self._unseen >= LOOK_EVERY:
            self._look()

    def close(self) -> None:
        self.acquire()
        try:
            self._close()
        finally:
            self.release()
        super().close()

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # An older run may have left it large.
        self._unseen = LOOK_EVERY

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _look(self) -> None:
        self._unseen = 0
        assert self._file is not None
        ours = os.fstat(self._file)
        if ours.st_size >= self._max_bytes and self._is_current(ours):
            self._rotate(ours)
        if not self._is_current(ours):
            self._close()
            self._open()
            self._unseen = 0

    def _rotate(self, ours: os.stat_result) -> None:
        # Of several processes that find the file too large, the first one renames it.
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_current(ours):
                return
            for number in range(self._backups - 1, 0, -1):
                older = Path(f"{self.path}.{number}")
                if older.exists():
                    older.replace(f"{self.path}.{number + 1}")
            self.path.replace(f"{self.path}.1")
        finally:
            os.close(lock)

    def _is_current(self, ours: os.stat_result) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


class LineFormatter(logging.Formatter):
    """A formatter that works out the time of a line once a second."""

    _second = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (theirs)
        second = int(record.created)
        known, text = self._second
        if known != second:
            text = time.strftime(datefmt or self.default_time_format, time.localtime(second))
            self._second = (second, text)
        return text
