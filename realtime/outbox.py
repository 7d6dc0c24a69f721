"""What waits for a client: by slot its newest event, a reply or an event of a log under itself.

Clients that are in the same rooms are sent the same, so they hold one outbox together, and what it becomes on
the wire is worked out once.
"""

from __future__ import annotations

from typing import TypeAlias

from realtime.frame import Frame
from realtime.live import Slot

Outbox: TypeAlias = dict[Slot | Frame, Frame]


class Shared(Outbox):
    """An outbox of several clients: it is never changed, each of them gets another in its place.

    ``holders`` is for how many it was made; that some have left it since does no harm.
    """

    __slots__ = ("holders",)

    def __init__(self, content: Outbox, holders: int) -> None:
        super().__init__(content)
        self.holders = holders


def own(outbox: Outbox | None) -> Outbox:
    """The same as a client's own, which may be changed."""
    if outbox is None:
        return {}
    return dict(outbox) if isinstance(outbox, Shared) else outbox


class Merging:
    """Adds what a room was told to the outboxes of its members, for those who hold the same one only once."""

    def __init__(self, changed: Outbox) -> None:
        self._changed = changed
        # By identity: whoever is not looked at yet keeps the outbox alive, and with it its identity.
        self._merged: dict[int, Shared] = {}

    def into(self, outbox: Outbox) -> Outbox:
        """The outbox with what changed; to be called once for each client."""
        if not isinstance(outbox, Shared):
            outbox.update(self._changed)
            return outbox
        merged = self._merged.get(id(outbox))
        if merged is not None:
            merged.holders += 1
            return merged
        if outbox.holders == 1:
            alone = dict(outbox)
            alone.update(self._changed)
            return alone
        merged = self._merged[id(outbox)] = Shared(outbox, 1)
        merged.update(self._changed)
        return merged
