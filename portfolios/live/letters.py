"""Texts of many rows at once: numbers and words in columns of bytes, joined where all of them stand.

A column is as wide as its widest text, and what is narrower is filled up with NULs, which no JSON holds: they
are left out in the end. That is several times as quick as formatting one number after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolios.live.columns import Flags, Numbers
from portfolios.maths.whole import FRACTIONS, PERCENT_PLACES

#: One row of bytes for each text.
Letters = npt.NDArray[np.uint8]
#: So many of the units that numbers are given in make one.
ONE: Final = 10**PERCENT_PLACES
_GROUP: Final = 10_000
_END: Final = b"\n"


def _table(texts: Sequence[str], kind: type[np.uint32] | type[np.uint64]) -> npt.NDArray[np.uint64]:
    """Texts as numbers that have their letters as bytes."""
    size = np.dtype(kind).itemsize
    return np.frombuffer(b"".join(text.encode().ljust(size, b"\0") for text in texts), kind)


_FULL: Final = [f"{number:04d}" for number in range(_GROUP)]
# Of four digits by their number, first where nothing stands before them and then where something does.
_LAST: Final = _table([*map(str, range(_GROUP)), *_FULL], np.uint32)
_BEFORE: Final = _table(["", *map(str, range(1, _GROUP)), *_FULL], np.uint32)
_FRACTION: Final = _table(FRACTIONS[PERCENT_PLACES], np.uint64)
_NULL: Final = _table(["null"], np.uint32)[0]


def written(numbers: Numbers, null: Flags | None = None) -> Letters:
    """Ten-thousandths as JSON, without trailing zeros; ``null`` says which are unknown."""
    if null is not None:
        numbers = np.where(null, 0, numbers)
    whole, part = np.divmod(np.abs(numbers), ONE)
    columns = [_letters(_FRACTION[part])]
    table = _LAST
    while True:
        more, digits = np.divmod(whole, _GROUP)
        group = table[digits + _GROUP * (more > 0)]
        if table is _LAST and null is not None:
            group[null] = _NULL
        columns.append(_letters(group))
        whole, table = more, _BEFORE
        if not whole.any():
            break
    if (numbers < 0).any():
        columns.append(np.where(numbers < 0, ord("-"), 0).astype(np.uint8)[:, np.newaxis])
    return np.concatenate(columns[::-1], axis=1)


def padded(texts: Sequence[bytes]) -> Letters:
    """Texts that differ in length, none of them with a NUL or a line break."""
    return _letters(np.array(texts, np.bytes_))


def joined(count: int, columns: Sequence[bytes | Letters]) -> list[bytes]:
    """What stands in each of ``count`` rows, as one text; bytes are in all of them."""
    ends = np.cumsum([0, *(len(one) if isinstance(one, bytes) else one.shape[1] for one in columns)])
    sheet = np.empty((count, int(ends[-1]) + 1), np.uint8)
    for first, end, column in zip(ends.tolist(), ends[1:].tolist(), columns, strict=False):
        sheet[:, first:end] = np.frombuffer(column, np.uint8) if isinstance(column, bytes) else column
    sheet[:, -1] = ord(_END)
    return sheet.tobytes().translate(None, b"\0").split(_END)[:count]


def _letters(table: npt.NDArray[np.generic]) -> Letters:
    return table.view(np.uint8).reshape(len(table), table.dtype.itemsize)
