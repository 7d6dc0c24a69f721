"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Exponential backoff with full jitter: any time from 0 to a bound that doubles up to ``cap`` seconds.

    Ten thousand clients that lose a server at the same moment so come back spread over the whole bound, not
    in waves.
    """

    def __init__(
        self, base: float = 0.5, cap: float = 30.0, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.base = base
        self.cap = cap
        self._uniform = uniform
        self._bound = base

    def next(self) -> float:
        """Seconds to wait now; the bound of the next wait is twice as high."""
        bound = min(self._bound, self.cap)
        self._bound = min(bound * 2, self.cap)
        return self._uniform(0.0, bound)

    def reset(self) -> None:
        """A connection has lived: begin again with the shortest bound."""
        self._bound = self.base
