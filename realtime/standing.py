"""Where the rooms of a roster stand, as long as nobody else tells them anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from realtime import keys
from realtime.protocol.letters import Flags, Numbers
from realtime.roster import NEVER, version_of

#: Asks Redis for fields of a hash.
Read = Callable[[str, Sequence[str]], Sequence[bytes | None]]


class Standing:
    """Columns by line: the ``positions`` of rooms, and in two rows the versions they have ``reached``."""

    def __init__(self, count: int = 0) -> None:
        self._is_known: Flags = np.zeros(count, np.bool_)
        self.positions: Numbers = np.zeros(count, np.int64)
        self.reached: Numbers = np.full((2, count), NEVER[0])

    def __len__(self) -> int:
        return len(self.positions)

    def knows(self, lines: Numbers) -> bool:
        """Whether these are known."""
        return bool(self._is_known[lines].all())

    def unknown(self, lines: Numbers) -> Numbers:
        """Those of these lines that are not known."""
        found: Numbers = lines[~self._is_known[lines]]
        return found

    def learn(self, lines: Numbers, names: Sequence[str], read: Read) -> None:
        """Ask ``read`` where the rooms of these lines stand, whose names these are."""
        self.positions[lines] = positions_of(names, read)
        self.reached[:, lines] = np.array([*map(version_of, read(keys.VERSIONS, names))]).T
        self._is_known[lines] = True

    def grow(self, more: int) -> None:
        """Have room for so many lines more."""
        self._is_known = np.append(self._is_known, np.zeros(more, np.bool_))
        self.positions = np.append(self.positions, np.zeros(more, np.int64))
        self.reached = np.append(self.reached, np.full((2, more), NEVER[0]), axis=1)


def positions_of(names: Sequence[str], read: Read) -> list[int]:
    """Where rooms stand."""
    return [int(value or 0) for value in read(keys.POSITIONS, names)]
