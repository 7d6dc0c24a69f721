"""How files name their columns, and how a header is recognised."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stocks.errors import LoadRefused
from stocks.loading.lines import Block

SHOWN_COLUMNS = 12
SHOWN_CHARACTERS = 30


@dataclass(frozen=True, slots=True)
class Layout:
    """The default column names of one kind of file.

    ``required`` and ``optional`` map our names to the file's. ``marks`` are further columns of the file that
    tell it from others with the same names; they are not read.
    """

    name: str
    required: Mapping[str, str]
    optional: Mapping[str, str]
    marks: frozenset[str] = frozenset()

    def names(self) -> Mapping[str, str]:
        return {**self.required, **self.optional}


@dataclass(frozen=True, slots=True)
class Header:
    """A recognised header: its layout, its number of fields, and where each of our columns stands."""

    layout: Layout
    width: int
    columns: Mapping[str, int]


def split_header(blocks: Iterable[Block], name: str) -> tuple[list[str], Iterator[Block]]:
    """The fields of the first line, and the blocks of the lines below it."""
    stream = iter(blocks)
    first = next(stream, None)
    if first is None:
        raise LoadRefused(f"{name} is empty.")
    line, _, below = first.data.partition(b"\n")
    try:
        fields = [field.strip() for field in next(csv.reader([line.decode()], strict=True), [])]
    except csv.Error as error:
        raise LoadRefused(f"{name}: the header cannot be read as CSV ({error}).") from None

    def rest() -> Iterator[Block]:
        if below:
            yield Block(first.first_line + 1, below)
        yield from stream

    return fields, rest()


def recognise(
    fields: Sequence[str], layouts: Sequence[Layout], mapping: Mapping[str, str], name: str
) -> Header:
    """Find the layout whose columns ``fields`` holds; ``mapping`` (ours ⇒ theirs) overrides its names.

    Names are compared without regard to case. The first layout that fits wins.

    Raises:
        LoadRefused: no layout fits, a mapped column does not exist, or a needed one stands twice.
    """
    known = sorted({ours for layout in layouts for ours in layout.names()})
    if unknown := sorted(set(mapping) - set(known)):
        raise LoadRefused(f"--map {unknown[0]}=…: there is no such column; ours are {', '.join(known)}.")
    places: dict[str, list[int]] = {}
    for place, field in enumerate(fields):
        places.setdefault(field.lower(), []).append(place)
    for ours, theirs in mapping.items():
        if theirs.lower() not in places:
            raise LoadRefused(f"{name} has no column {theirs!r} (--map {ours}={theirs}); {_shown(fields)}.")
    missing: list[list[str]] = []
    for layout in layouts:
        wanted = {**layout.names(), **{ours: mapping[ours] for ours in mapping if ours in layout.names()}}
        lacks = [wanted[ours] for ours in layout.required if wanted[ours].lower() not in places]
        lacks += sorted(mark for mark in layout.marks if mark.lower() not in places)
        if not lacks:
            return Header(layout, len(fields), _columns(wanted, places, name))
        missing.append(lacks)
    nearest = min(missing, key=len)
    plural = "s" if len(nearest) > 1 else ""
    raise LoadRefused(
        f"{name} lacks the column{plural} {', '.join(nearest)}; {_shown(fields)}. "
        "Name the file's own columns with --map ours=theirs."
    )


def _columns(wanted: Mapping[str, str], places: Mapping[str, list[int]], name: str) -> dict[str, int]:
    columns: dict[str, int] = {}
    for ours, theirs in wanted.items():
        found = places.get(theirs.lower(), [])
        if len(found) > 1:
            raise LoadRefused(f"{name} has {len(found)} columns named {theirs!r}.")
        if found:
            columns[ours] = found[0]
    return columns


def _shown(fields: Sequence[str]) -> str:
    shown = ", ".join(repr(field[:SHOWN_CHARACTERS])[1:-1] or '""' for field in fields[:SHOWN_COLUMNS])
    return f"it has {shown}{' …' if len(fields) > SHOWN_COLUMNS else ''}"
