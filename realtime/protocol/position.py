"""Where a room stands: ``(epoch, sequence)``.

Sequences of one epoch only grow. A new epoch begins when Redis was emptied or restarted, since then a number
could name another event than before; positions of different epochs cannot be compared.
"""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """``epoch`` is "" and ``sequence`` 0 while nothing was ever published to the room."""

    epoch: str
    sequence: int


NOWHERE = Position("", 0)
