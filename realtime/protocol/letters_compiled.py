"""The loops behind letters.py: see realtime/compiling.py.

Whether there is room enough is not looked at here: what calls it has to see to that.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import DATA, NUMBER_TABLE, OUT, OUT_SIZES, SIZE, SIZE_TABLE, compiled
from realtime.protocol.putting_compiled import put, put_number

# What is written in each row, one after the other: what, which, and where from or how.
COMMON: Final = np.uint64(0)  # of the common bytes: from, to
TEXT: Final = np.uint64(1)  # which column, in which data
FIGURES: Final = np.uint64(2)  # which column, how many decimals


@compiled(SIZE(SIZE_TABLE, SIZE_TABLE))
def measured(starts, ends):  # type: ignore[no-untyped-def]
    """How long texts are together."""
    size = np.uint64(0)
    for column in range(np.uint64(starts.shape[0])):
        for row in range(np.uint64(starts.shape[1])):
            if starts[column, row] > ends[column, row]:
                raise ValueError("a text ends before it begins")
            size += ends[column, row] - starts[column, row]
    return size


@compiled(
    SIZE(
        *(SIZE_TABLE, NUMBER_TABLE, DATA, DATA, DATA, DATA, DATA, DATA),
        *(SIZE_TABLE, SIZE_TABLE, OUT, OUT_SIZES, OUT_SIZES),
    )
)
def write(plan, numbers, common, one, two, three, four, five, starts, ends, out, begun, ended):  # type: ignore[no-untyped-def]
    """Write rows after ``plan`` into ``out``; where each begins and ends comes into ``begun`` and ``ended``.

    Returns the end of the last. ``starts`` and ``ends`` say by column of texts where the text of each row
    stands in its data.
    """
    at = np.uint64(0)
    for row in range(np.uint64(len(begun))):
        begun[row] = at
        for step in range(np.uint64(plan.shape[0])):
            what, which, how = plan[step, 0], plan[step, 1], plan[step, 2]
            if what == COMMON:
                at = put(out, at, common, which, how)
            elif what == TEXT:
                start, end = starts[which, row], ends[which, row]
                if how == 0:
                    at = put(out, at, one, start, end)
                elif how == 1:
                    at = put(out, at, two, start, end)
                elif how == 2:
                    at = put(out, at, three, start, end)
                elif how == 3:
                    at = put(out, at, four, start, end)
                else:
                    at = put(out, at, five, start, end)
            else:
                at = put_number(out, at, numbers[which, row], how)
        ended[row] = at
    return at
