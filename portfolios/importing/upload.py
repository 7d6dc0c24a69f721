"""A file that was sent, out of memory where it is large."""

from __future__ import annotations

import hashlib
import tempfile
from typing import IO, Final

from portfolios.errors import FileTooLarge
from portfolios.importing.limits import MAX_FILE_BYTES

_IN_MEMORY: Final = 512 * 1024
_PIECE: Final = 64 * 1024


class Upload:
    """Bytes as they come, and their SHA-256; as a text it is that, so that equal files are told as equal."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (kept open)
        self.size = 0
        self._hash = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Take a further piece; raises FileTooLarge."""
        self.size += len(piece)
        if self.size > MAX_FILE_BYTES:
            raise FileTooLarge(f"The file is larger than {MAX_FILE_BYTES // 1024**2} MB.")
        self._hash.update(piece)
        self.file.write(piece)

    def take(self, stream: IO[bytes]) -> Upload:
        """Take all of a stream."""
        while piece := stream.read(_PIECE):
            self.write(piece)
        return self

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def __str__(self) -> str:
        return self._hash.hexdigest()
