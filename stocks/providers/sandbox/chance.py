"""Draws that depend on what they are for and on nothing else."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

#: The seed of the market that everyone gets.
SEED = 5930


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator of its own for each purpose, such as (code, "steps").

    Two generators of one purpose yield the same numbers in every process, so a stock drawn alone equals the
    same stock drawn among all, and a longer draw begins with the shorter one.
    """
    digest = blake2b("\0".join(map(str, (seed, *purpose))).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest)))
