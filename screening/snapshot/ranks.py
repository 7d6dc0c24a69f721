"""Where a stock stands among others: percentiles within a group, and the distance to its sector's median."""

from __future__ import annotations

import numpy as np

from screening.snapshot.table import Array, Numbers


def percentiles(values: Array, groups: Numbers) -> Array:
    """The percentile of each value among the known ones of its group, 0 to 100, as the catalogue ranks.

    100 × (number below + half the number of others equal) / (number known − 1). A stock of group -1, one
    whose value is unknown, and the only one of its group have none.

    Args:
        values: shape (n,), NaN where unknown.
        groups: shape (n,), the number of each stock's group.
    """
    ranks = np.full(len(values), np.nan)
    order, group, value = _sorted(values, groups)
    if not len(order):
        return ranks
    new_group = np.diff(group, prepend=group[0] - 1) != 0
    new_value = new_group | (np.diff(value, prepend=np.nan) != 0)
    first_of_group = _first(new_group)
    first_of_value = _first(new_value)
    # How many there are in each run, spread over its members.
    known = _counts(new_group)
    equal = _counts(new_value)
    below = first_of_value - first_of_group
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (below + (equal - 1) / 2.0) * 100.0 / (known - 1)
    ranks[order] = np.where(known > 1, found, np.nan)
    return ranks


def medians(values: Array, groups: Numbers) -> Array:
    """The median of the known values of each stock's group, also for a stock whose own is unknown.

    That of an even number of values is low + (high − low) × 0.5 of the middle two.
    """
    _, group, value = _sorted(values, groups)
    by_group = np.full(int(groups.max(initial=-1)) + 1, np.nan)
    if len(group):
        starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
        counts = np.diff(starts, append=len(group))
        low = value[starts + (counts - 1) // 2]
        high = value[starts + counts // 2]
        with np.errstate(over="ignore", invalid="ignore"):
            middle = low + (high - low) * 0.5
        by_group[group[starts]] = np.where(np.isfinite(middle), middle, np.nan)
    return np.where(groups >= 0, by_group[groups] if len(by_group) else np.nan, np.nan)


def _sorted(values: Array, groups: Numbers) -> tuple[Numbers, Numbers, Array]:
    """The positions of the known values of groups, by group and value, with both."""
    known = np.flatnonzero(np.isfinite(values) & (groups >= 0))
    order = known[np.lexsort((values[known], groups[known]))].astype(np.int32)
    return order, groups[order], values[order]


def _first(starts: np.ndarray) -> np.ndarray:
    """For each place the first place of its run; ``starts`` says where runs begin."""
    return np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))


def _counts(starts: np.ndarray) -> np.ndarray:
    """For each place how long its run is."""
    at = np.flatnonzero(starts)
    lengths = np.diff(at, append=len(starts))
    return np.repeat(lengths, lengths)
