"""The one member of the group ``screens`` that reads."""

from __future__ import annotations

from typing import Final

import redis

from screening.live.evaluator import Evaluator
from screening.live.reading import GROUP
from stocks import stream
from stocks.consumer import TickConsumer

#: From one batch to the next: what comes meanwhile is asked together.
BATCH_SECONDS: Final = 0.02
#: The longest wait for ticks, and so for a look.
WAIT_MS: Final = 200
RECLAIM_SECONDS: Final = 1.0


class ScreenConsumer(TickConsumer):
    """Hands the ticks to the evaluator; what others left is its own at once."""

    def __init__(self, evaluator: Evaluator, client: redis.Redis) -> None:
        super().__init__(
            group=GROUP,
            handle=evaluator.handle,
            client=client,
            on_return=self._returned_to_redis,
            every_seconds=BATCH_SECONDS,
            block_ms=WAIT_MS,
            reclaim_idle_ms=0,
            reclaim_every_seconds=RECLAIM_SECONDS,
        )
        self._evaluator = evaluator

    def step(self) -> int:
        """Read and handle what is there, after what is due besides; raises LeaseLost."""
        self._evaluator.look()
        return super().step()

    def _returned_to_redis(self) -> None:
        stream.ensure_group(self.client, GROUP)
        self._evaluator.was_away()
