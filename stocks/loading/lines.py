"""Blocks of whole lines of UTF-8 text, numbered as an editor numbers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stocks.errors import LoadRefused

MAX_LINE_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: ``data`` ends in a newline, ``first_line`` is the number of its first line."""

    first_line: int
    data: bytes

    def line(self, number: int) -> str:
        """The text of the line with that number."""
        return self.lines()[number - self.first_line].decode()

    def lines(self) -> list[bytes]:
        """All lines without their newlines."""
        return self.data[:-1].split(b"\n")


def blocks(pieces: Iterable[bytes], name: str) -> Iterator[Block]:
    """Cut a stream of bytes into blocks; a last line without a newline gets one, CR LF becomes LF.

    Raises:
        LoadRefused: text that is no UTF-8, a NUL byte, or a line longer than MAX_LINE_BYTES.
    """
    rest = b""
    line = 1
    start = True
    for piece in pieces:
        rest += piece
        if start and len(rest) >= len(_BOM):
            start = False
            if rest.startswith(_UTF16):
                raise LoadRefused(f"{name} is UTF-16 text; save it as UTF-8.")
            rest = rest.removeprefix(_BOM)
        cut = rest.rfind(b"\n") + 1
        if len(rest) - cut > MAX_LINE_BYTES:
            number = line + rest.count(b"\n", 0, cut)
            raise LoadRefused(f"{name}: line {number} is longer than {MAX_LINE_BYTES:,} bytes.")
        if cut:
            data, rest = rest[:cut], rest[cut:]
            yield _block(line, data, name)
            line += data.count(b"\n")
    if rest:
        yield _block(line, rest + b"\n", name)


def _block(first_line: int, data: bytes, name: str) -> Block:
    if b"\0" in data:
        number = first_line + data.count(b"\n", 0, data.index(b"\0"))
        raise LoadRefused(f"{name} is no UTF-8 text: line {number} holds a NUL byte (binary, or UTF-16).")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            number = first_line + data.count(b"\n", 0, error.start)
            byte = data[error.start]
            raise LoadRefused(
                f"{name} is no UTF-8 text: line {number} holds the byte 0x{byte:02x}; save it as UTF-8."
            ) from None
    return Block(first_line, data.replace(b"\r\n", b"\n") if b"\r" in data else data)
