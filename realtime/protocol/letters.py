"""Texts of many rows at once: columns of words and numbers, written side by side by compiled code.

To format one number after the other takes Python several times as long, and NumPy has no way to write texts
of different lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Letters = npt.NDArray[np.uint8]
#: What a loop that is compiled counts with.
Sizes = npt.NDArray[np.uint64]

#: A number that is written as null.
NULL: Final = -(2**63)
#: Numbers have so many decimals at the most.
MOST_PLACES: Final = 18
_MOST_DATA: Final = 5
# The longest number: a minus, 19 digits and a point, or two more before them.
_WIDEST: Final = 24
_MOST_ROOM: Final = 10**9
_NOTHING: Final = np.zeros(0, np.uint8)
_ENDS: Final = np.frombuffer(b",\n", np.uint8)


@dataclass(frozen=True, slots=True)
class Texts:
    """A text for each row: bytes of ``data``, which many rows may have in common."""

    data: Letters
    starts: Numbers
    ends: Numbers

    def __len__(self) -> int:
        return len(self.starts)

    def pick(self, which: Any) -> Texts:
        """The texts of some rows, which are chosen as NumPy does."""
        return Texts(self.data, self.starts[which], self.ends[which])

    def apart(self) -> list[bytes]:
        """Each by itself."""
        data = self.data.tobytes()
        return [data[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def size(self) -> int:
        """How long they are together."""
        return int(np.add.reduce(self.ends - self.starts))

    def sizes(self) -> tuple[Letters, Sizes, Sizes]:
        """Data, starts and ends, as compiled loops take them."""
        return self.data, unsigned(self.starts), unsigned(self.ends)

    def joined(self) -> bytes:
        """All of them as one text, where they stand one behind the other, as those of ``lines`` do."""
        return self.data.tobytes()


def texts(words: Sequence[bytes]) -> Texts:
    """Words as a column."""
    ends = np.fromiter(accumulate(map(len, words), initial=0), np.int64, len(words) + 1)
    return Texts(np.frombuffer(b"".join(words), np.uint8), ends[:-1], ends[1:])


def unsigned(numbers: Numbers) -> Sizes:
    """Numbers from 0 on, as compiled loops take them."""
    return np.ascontiguousarray(numbers).view(np.uint64)


class Figures(NamedTuple):
    """Numbers of units of 10^-places, as JSON without trailing zeros."""

    numbers: Numbers
    places: int = 0


#: What stands in rows: bytes in all of them.
Column = bytes | Texts | Figures
Columns = Sequence[Column]


def lines(count: int, columns: Columns) -> Texts:
    """``count`` texts in which columns stand side by side; bytes are in all of them.

    Raises ValueError where a column has not as many rows, more decimals than MOST_PLACES, or a text that its
    data does not hold.
    """
    plan = _Plan(count)
    plan.add(columns)
    return plan.written()


def joined(count: int, columns: Columns, ends: Flags | None = None) -> list[bytes]:
    """The same as bytes; none of them may hold a line feed.

    With ``ends``, rows up to one that ends a text are in one, with commas between.
    """
    if not count:
        return []
    end: Column = b"\n"
    if ends is not None:
        which = ends.astype(np.int64)
        end = Texts(_ENDS, which, which + 1)
    found = lines(count, (*columns, end)).joined().split(b"\n")
    # Nothing stands behind the last end.
    del found[-1]
    return found


class Shelf:
    """Texts by number of row, each of which may be put anew."""

    def __init__(self) -> None:
        self._data: Letters = np.zeros(0, np.uint8)
        self._used = 0
        # Where the text of each row starts, and where it ends.
        self._bounds: Numbers = np.zeros((2, 0), np.int64)

    def put(self, rows: Numbers, words: Sequence[bytes]) -> None:
        """Have these texts stand in these rows, none of which is there twice."""
        new = texts(words)
        more = int(rows.max(initial=-1)) + 1 - self._bounds.shape[1]
        if more > 0:
            self._bounds = np.append(self._bounds, np.zeros((2, more), np.int64), axis=1)
        if self._used + len(new.data) > len(self._data):
            # What was replaced is left out, and there is room for as much again.
            kept = lines(self._bounds.shape[1], (Texts(self._data, *self._bounds),))
            self._used = len(kept.data)
            self._bounds = np.array((kept.starts, kept.ends))
            self._data = np.zeros(2 * (self._used + len(new.data)), np.uint8)
            self._data[: self._used] = kept.data
        self._bounds[:, rows] = new.starts + self._used, new.ends + self._used
        self._data[self._used : self._used + len(new.data)] = new.data
        self._used += len(new.data)

    def pick(self, rows: Numbers) -> Texts:
        """The texts in these rows."""
        return self.texts().pick(rows)

    def texts(self) -> Texts:
        """The texts of all rows up to the last in which one was put."""
        return Texts(self._data, *self._bounds)


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from realtime.protocol import letters_compiled  # noqa: F401


class _Plan:
    """What is to be written in each row."""

    def __init__(self, count: int) -> None:
        # Numba takes a while to import, and most processes write no rows.
        from realtime.protocol import letters_compiled

        self._code = letters_compiled
        self._count = count
        self._steps: list[tuple[Any, int, int]] = []
        self._common = bytearray()
        self._numbers: list[Numbers] = []
        self._starts: list[Numbers] = []
        self._ends: list[Numbers] = []
        self._data: list[Letters] = []
        self._places: dict[int, int] = {}

    def written(self) -> Texts:
        count, code = self._count, self._code
        starts, ends, numbers = (
            np.array(some, np.int64).reshape(len(some), count)
            for some in (self._starts, self._ends, self._numbers)
        )
        starts, ends = starts.view(np.uint64), ends.view(np.uint64)
        each = len(self._common) + _WIDEST * len(numbers)
        room = count * each + code.measured(starts, ends)
        if room >= _MOST_ROOM:
            raise ValueError(f"{room} bytes are too many at once")
        out: Letters = np.empty(room, np.uint8)
        begun, ended = np.empty(count, np.int64), np.empty(count, np.int64)
        end = code.write(
            np.array(self._steps, np.uint64).reshape(-1, 3),
            numbers,
            np.frombuffer(self._common, np.uint8),
            *self._data,
            *[_NOTHING] * (_MOST_DATA - len(self._data)),
            starts,
            ends,
            out,
            begun.view(np.uint64),
            ended.view(np.uint64),
        )
        return Texts(out[:end], begun, ended)

    def add(self, columns: Columns) -> None:
        code, steps = self._code, self._steps
        for column in columns:
            if isinstance(column, bytes):
                begin = len(self._common)
                self._common += column
                steps.append((code.COMMON, begin, len(self._common)))
            elif isinstance(column, Texts):
                self._check(column.starts)
                steps.append((code.TEXT, len(self._starts), self._place(column.data)))
                self._starts.append(column.starts)
                self._ends.append(column.ends)
            else:
                if not 0 <= column.places <= MOST_PLACES:
                    raise ValueError(f"numbers have up to {MOST_PLACES} decimals")
                self._check(column.numbers)
                steps.append((code.FIGURES, len(self._numbers), column.places))
                self._numbers.append(column.numbers)

    def _check(self, rows: Numbers) -> None:
        if rows.shape != (self._count,):
            raise ValueError(f"a column of {rows.shape} rows stands beside others of {self._count}")

    def _place(self, data: Letters) -> int:
        """Which of the data it is."""
        place = self._places.setdefault(id(data), len(self._data))
        if place == len(self._data):
            if place == _MOST_DATA:
                raise ValueError(f"texts come from {_MOST_DATA} places at the most")
            self._data.append(np.ascontiguousarray(data))
        return place
