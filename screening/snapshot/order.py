"""One page of the stocks that were found, in order, without sorting the rest of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from screening.snapshot.table import Array, Flags

Positions = npt.NDArray[np.intp]


def page(found: Flags, values: Array, *, descending: bool, first: int, count: int) -> Positions:
    """The positions of the page that begins with match number ``first`` (from 0).

    Args:
        found: which stocks match, shape (n,).
        values: what they are sorted by, shape (n,). Unknown ones (NaN) come last either way, equal ones in
            order of position, which is that of the codes.
        descending: the largest first.
        first, count: which matches the page holds; fewer, or none, at the end.
    """
    positions = np.flatnonzero(found)
    if first >= len(positions):
        return positions[:0]
    keys = values[positions]
    if descending:
        keys = -keys
    last = first + count
    if last < len(keys) // 2:
        kept = _smallest(keys, last)
        positions, keys = positions[kept], keys[kept]
    # Stable, and NaN sorts behind all numbers.
    return positions[np.argsort(keys, kind="stable")[first:last]]


def _smallest(keys: Array, count: int) -> Positions:
    """The places of the ``count`` smallest keys, of equal ones the first; in the order of their places."""
    limit = np.partition(keys, count - 1)[count - 1]
    if np.isnan(limit):
        below, ties = ~np.isnan(keys), np.isnan(keys)
    else:
        below, ties = keys < limit, keys == limit
    kept = np.flatnonzero(below)
    kept = np.concatenate((kept, np.flatnonzero(ties)[: count - len(kept)]))
    kept.sort()
    return kept
