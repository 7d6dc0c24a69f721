"""The file to load as a stream of bytes: plain or gzip, in pieces of bounded size."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from stocks.errors import LoadRefused

GZIP_MAGIC = b"\x1f\x8b"
READ_BYTES = 256 * 1024
PIECE_BYTES = 1024 * 1024


class SourceFile:
    """An open regular file, its SHA-256 and how far it has been read; a context manager.

    Raises:
        LoadRefused: it is missing, no regular file, unreadable or empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._file = _open(path)
        try:
            self._state = self._stat()
            self.size = self._state[0]
            if not self.size:
                raise LoadRefused(f"{self.name} is empty.")
            self.sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        except BaseException:
            self._file.close()
            raise
        self.position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def pieces(self) -> Iterator[bytes]:
        """The file's content from its start, inflated where it is gzip, at most PIECE_BYTES at a time.

        Raises:
            LoadRefused: the gzip data are damaged or end early, or the file changed meanwhile.
        """
        self._file.seek(0)
        compressed = self._file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        self._file.seek(0)
        self.position = 0
        yield from inflated(self._raw(READ_BYTES), self.name) if compressed else self._raw(PIECE_BYTES)
        if self._stat() != self._state:
            raise LoadRefused(f"{self.name} was changed while it was read.")

    def _raw(self, size: int) -> Iterator[bytes]:
        while data := self._file.read(size):
            self.position += len(data)
            yield data

    def _stat(self) -> tuple[int, int]:
        state = os.fstat(self._file.fileno())
        return state.st_size, state.st_mtime_ns


def inflated(raw: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The content of gzip data, one member or several, at most PIECE_BYTES at a time.

    Raises:
        LoadRefused: the data are damaged or end inside a member.
    """
    engine = zlib.decompressobj(wbits=31)
    for data in raw:
        while data:
            if engine.eof:
                # Tapes and some tools pad a finished member with zeros.
                data = data.lstrip(b"\0")
                if not data:
                    break
                engine = zlib.decompressobj(wbits=31)
            try:
                piece = engine.decompress(data, PIECE_BYTES)
                yield piece
                # A full piece may leave output inside the engine although all input is taken.
                while len(piece) == PIECE_BYTES and not engine.eof:
                    piece = engine.decompress(engine.unconsumed_tail, PIECE_BYTES)
                    yield piece
            except zlib.error as error:
                raise LoadRefused(f"{name} is damaged: its gzip data cannot be read ({error}).") from None
            data = engine.unused_data
    if not engine.eof:
        raise LoadRefused(f"{name} is cut off: its gzip data end too early.")


def _open(path: Path) -> io.BufferedReader:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise LoadRefused(f"{path} is a directory, not a file.")
        if not stat.S_ISREG(kind):
            raise LoadRefused(f"{path} is not a regular file.")
        return path.open("rb")
    except FileNotFoundError:
        raise LoadRefused(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise LoadRefused(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
