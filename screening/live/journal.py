"""What is written of live screens, and told in the same order: everything once, whoever dies in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from screening.live import reading
from screening.live.reading import Untold
from screening.live.telling import Scene, Update, fire_alerts, tell_rooms, tell_updates
from screening.live.writing import Changes, write
from stocks.lease import Lease


class Journal:
    """Batches that are written and not told yet.

    Args:
        lease: without it nothing is written and LeaseLost is raised.
        on_deliveries: told that mails or webhooks wait to be sent. It must not fail.

    ``number`` is that of the last batch: the stored members follow everything up to it.
    """

    def __init__(self, lease: Lease, on_deliveries: Callable[[], None]) -> None:
        self.number = 0
        self._lease = lease
        self._on_deliveries = on_deliveries
        self._untold: list[Untold] = []
        # The number of the next event of this epoch, and up to which batch it is noted that all know it.
        self._event = self._noted = 0

    def begin(self) -> None:
        """Take over what somebody, or this process before it failed, has written and perhaps not told."""
        self._untold = reading.untold()
        self.number = reading.last_number()

    def write(self, changes: Changes) -> dict[UUID, int]:
        """Write what changed, to be told; returns the numbers of the screens that began."""
        number, begun = write(changes, lease=self._lease, first=self._event)
        if number:
            self._untold.append(Untold(number, self._lease.epoch, self._event, changes.moves))
            self._event += len(changes.moves)
            self.number = number
        return begun

    def tell(self, scene: Scene, alerts: Collection[UUID] | None, now: datetime) -> None:
        """Tell what is written, in order. Where that fails it is told again, and counts once.

        ``alerts`` are the screens on which there are any; None where that is not known.
        """
        while self._untold:
            batch = self._untold[0]
            if fire_alerts(batch, alerts, now):
                self._on_deliveries()
            tell_rooms(batch, scene)
            del self._untold[0]

    def tell_updates(self, updates: Sequence[Update], scene: Scene) -> None:
        """Tell changed figures, which nobody writes down: what is lost of them is told by the next ones."""
        tell_updates(updates, scene, epoch=self._lease.epoch, first=self._event)
        self._event += len(updates)

    def note_told(self) -> None:
        """Note that everybody knows what is written."""
        if self.number > self._noted and not self._untold:
            reading.note_told(self.number)
            self._noted = self.number
