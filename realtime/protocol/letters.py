"""Texts of many rows at once: numbers and words in columns of bytes, joined where all of them stand.

A column is as wide as its widest text, and what is narrower is filled up with NULs, which no JSON holds: they
are left out in the end. That is several times as quick as formatting one number after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
#: One row of bytes for each text.
Letters = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]

#: Numbers are written with so many decimals at the most.
PLACES: Final = (0, 2, 4, 8)
_GROUP: Final = 10_000
_GROUP_PLACES: Final = 4
_END, _COMMA = ord("\n"), ord(",")
#: What stands for a NUL where rows are glued together.
NUL: Final = b"\1"
_WITH_NULS: Final = bytes.maketrans(NUL, b"\0")
_POWERS: Final = 10 ** np.arange(1, 19, dtype=np.int64)
# Where words of four letters stand.
_STEP: Final = 4


def _table(texts: Sequence[str], kind: type[np.uint32] | type[np.uint64]) -> Any:
    """Texts as numbers that have their letters as bytes."""
    size = np.dtype(kind).itemsize
    return np.frombuffer(b"".join(text.encode().ljust(size, b"\0") for text in texts), kind)


_FULL: Final = [f"{number:04d}" for number in range(_GROUP)]
# Of four digits by their number, first where nothing stands before them and then where something does.
_LAST: Final = _table([*map(str, range(_GROUP)), *_FULL], np.uint32)
_BEFORE: Final = _table(["", *map(str, range(1, _GROUP)), *_FULL], np.uint32)


def fractions(places: int) -> list[str]:
    """What stands behind the whole part, by the number of decimals."""
    return [f".{part:0{places}d}".rstrip("0").rstrip(".") for part in range(10**places)]


_ALL: Final = _BEFORE[_GROUP:]
# Three letters or five; of four decimals once more, with others behind them.
_FRACTION: Final = {
    2: _table(fractions(2), np.uint32),
    4: _table([*fractions(4), *(f".{digits}" for digits in _FULL)], np.uint64),
}
_BEHIND: Final = _table([digits.rstrip("0") for digits in _FULL], np.uint32)
_NULL: Final = _table(["null"], np.uint32)[0]


class Figures(NamedTuple):
    """Numbers as JSON: whether a minus stands before each, if any has one, and words from left to right."""

    minus: Letters | None
    words: Sequence[Words]

    def row(self, at: int) -> Figures:
        """One row, where numbers are a table."""
        return Figures(None if self.minus is None else self.minus[at], [word[at] for word in self.words])


#: What stands in rows: bytes in all of them.
Column = bytes | Letters | Figures


def written(numbers: Numbers, null: Flags | None = None, *, places: int = 4) -> Figures:
    """Numbers of units of 10^-places, one of PLACES, as JSON without trailing zeros; ``null`` are unknown."""
    if null is not None and not null.any():
        null = None
    if null is not None:
        numbers = np.where(null, 0, numbers)
    negative = numbers < 0
    minus = negative.view(np.uint8) * np.uint8(ord("-")) if negative.any() else None
    whole = np.abs(numbers).view(np.uint64)
    words = []
    if places > _GROUP_PLACES:
        whole, behind = _parted(whole, _GROUP)
        if has_behind := behind.any():
            words.append(_BEHIND.take(behind))
        whole, part = _parted(whole, _GROUP)
        words.append(_FRACTION[_GROUP_PLACES].take(part + (behind > 0) * _GROUP if has_behind else part))
    elif places:
        whole, part = _parted(whole, 10**places)
        words.append(_FRACTION[places].take(part))
    table, greatest = _LAST, int(whole.max(initial=0))
    while True:
        if greatest < 2**32 and whole.dtype != np.uint32:
            # Those are several times as quick to divide.
            whole = whole.astype(np.uint32)
        greatest //= _GROUP
        if greatest:
            more, digits = _parted(whole, _GROUP)
            group = table.take(digits + (more > 0) * np.uint32(_GROUP))
        else:
            more, group = whole, table.take(whole)
        if table is _LAST and null is not None:
            group[null] = _NULL
        words.append(group)
        whole, table = more, _BEFORE
        if not greatest:
            return Figures(minus, words[::-1])


def filled(numbers: Numbers) -> tuple[bytes, Figures]:
    """Numbers from 0 on with 20 digits each: zeros that stand before all of them, and what stands behind."""
    whole, greatest = numbers.view(np.uint64), int(numbers.max(initial=0))
    words: list[Words] = []
    while greatest:
        whole, digits = _parted(whole, _GROUP)
        words.append(_ALL.take(digits))
        greatest //= _GROUP
    return b"0" * (20 - _GROUP_PLACES * len(words)), Figures(None, words[::-1])


def digits(numbers: Numbers) -> Numbers:
    """How many digits numbers from 0 on have."""
    return np.searchsorted(_POWERS, numbers, side="right") + 1


def lengths(letters: Letters) -> Numbers:
    """How long the text of each row is."""
    return np.count_nonzero(letters, axis=1)


def _parted(numbers: Any, unit: int) -> tuple[Any, Any]:
    """Numbers without a sign, divided, and what is left over, which is small."""
    over = numbers // numbers.dtype.type(unit)
    return over, (numbers - over * numbers.dtype.type(unit)).astype(np.int32)


def padded(texts: Sequence[bytes]) -> Letters:
    """Texts that differ in length, none of them with a NUL or a line break."""
    array = np.array(texts, np.bytes_)
    return array.view(np.uint8).reshape(len(array), array.dtype.itemsize)


def sheet(count: int, columns: Sequence[Column]) -> Letters:
    """``count`` rows in which columns stand side by side; bytes are in all of them."""
    common = bytearray()
    texts: list[tuple[int, Letters]] = []
    figures: list[tuple[int, Words]] = []
    for column in columns:
        if isinstance(column, bytes):
            common += column
        elif isinstance(column, Figures):
            minus, words = column
            if minus is None:
                common += bytes(-len(common) % _STEP)
            else:
                # It stands right before the words.
                common += bytes(_STEP - len(common) % _STEP)
                texts.append((len(common) - 1, minus.reshape(-1, 1)))
            for word in words:
                figures.append((len(common), word))
                common += bytes(word.itemsize)
        else:
            texts.append((len(common), column))
            common += bytes(column.shape[1])
    common += bytes(-len(common) % _STEP)
    width = len(common)
    letters = np.empty((count, width), np.uint8)
    letters[:] = np.frombuffer(common, np.uint8)
    for at, text in texts:
        letters[:, at : at + text.shape[1]] = text
    for at, word in figures:
        np.ndarray((count,), word.dtype, letters, at, (width,))[:] = word
    return letters


def glued(letters: Letters) -> bytes:
    """All rows as one text, in which NUL stands for itself."""
    return letters.tobytes().translate(_WITH_NULS, b"\0")


def joined(count: int, columns: Sequence[Column], ends: Flags | None = None) -> list[bytes]:
    """What stands in each of ``count`` rows, as one text; bytes are in all of them.

    With ``ends``, rows up to one that ends a text are in one, with commas between.
    """
    if not count:
        return []
    end: Column = b"\n"
    if ends is not None:
        end = np.where(ends, np.uint8(_END), np.uint8(_COMMA)).reshape(-1, 1)
    texts = sheet(count, (*columns, end)).tobytes().translate(None, b"\0").split(b"\n")
    # Nothing stands behind the last end.
    del texts[-1]
    return texts
