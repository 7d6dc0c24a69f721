"""The beginning of a file of bars, for benchmarks that are to take a small part of a market."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path


def first_codes(file: Path, scratch: Path, codes: int | None) -> Path:
    """The file, or what it says of its first codes in a file of its own."""
    if codes is None:
        return file
    cut = scratch / file.name
    with gzip.open(file, "rt") as lines, gzip.open(cut, "wt") as out:
        out.write(next(lines))
        out.writelines(_until(lines, codes))
    return cut


def _until(lines: Iterable[str], codes: int) -> Iterator[str]:
    seen: set[str] = set()
    for line in lines:
        seen.add(line.partition(",")[0])
        if len(seen) > codes:
            return
        yield line
