"""Which registrations one connection holds, and what to ask in order to hold the wanted ones; no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from stocks.providers.kis.frames import BOOKS, PRICES, Ack, Channel
from stocks.providers.kis.quotas import REGISTRATIONS

_REGISTERED = frozenset({"OPSP0000", "OPSP0002"})  # done, and done already
_ENDED = frozenset({"OPSP0001", "OPSP0003"})  # ended, and never held
_TOO_MANY = "OPSP0008"
#: A request that nobody answered is made again after this time.
ANSWER_SECONDS = 10.0
#: A channel that was refused for a reason of its own is asked for again after this time.
REFUSED_SECONDS = 300.0


class Registrations:
    """The registrations of one connection, each stock's price before its order book.

    Times are seconds of any clock that only rises.
    """

    def __init__(self, limit: int = REGISTRATIONS) -> None:
        self._limit = limit
        # Since when an answer is awaited; None once it came.
        self._held: dict[Channel, float | None] = {}
        self._refused: dict[Channel, float] = {}

    def __contains__(self, channel: Channel) -> bool:
        return channel in self._held

    def requests(self, codes: Sequence[str], now: float) -> list[tuple[Channel, bool]]:
        """What to send so that these codes are followed, the first of them for certain: endings come first.

        True asks for a registration, False ends one. They count as sent.
        """
        wanted = self._wanted(codes, now)
        # What is still to be answered may be refused, and is ended only once it was not.
        ended = [
            channel
            for channel, since in self._held.items()
            if channel not in wanted and (since is None or self._is_overdue(since, now))
        ]
        for channel in ended:
            del self._held[channel]
        overdue = [channel for channel, since in self._held.items() if self._is_overdue(since, now)]
        room = max(0, self._limit - len(self._held))
        missing = [channel for channel in wanted if channel not in self._held][:room]
        asked = [*overdue, *missing]
        self._held.update(dict.fromkeys(asked, now))
        return [*((channel, False) for channel in ended), *((channel, True) for channel in asked)]

    def answered(self, ack: Ack, now: float) -> bool:
        """Note an answer; False where it refuses what was asked for."""
        if ack.code in _ENDED:
            return True
        if ack.code in _REGISTERED:
            if ack.channel in self._held:
                self._held[ack.channel] = None
            return True
        # Without its channel it refuses nothing that has a name; what has no answer is asked for again.
        if ack.channel in self._held:
            del self._held[ack.channel]
            if ack.code == _TOO_MANY:
                # Answers come in the order of what was asked: it allows as many as it has registered by now.
                self._limit = max(1, sum(since is None for since in self._held.values()))
            else:
                self._refused[ack.channel] = now + REFUSED_SECONDS
        return False

    def _wanted(self, codes: Sequence[str], now: float) -> dict[Channel, None]:
        self._refused = {channel: until for channel, until in self._refused.items() if until > now}
        channels = [Channel(kind, code) for code in dict.fromkeys(codes) for kind in (PRICES, BOOKS)]
        kept = [channel for channel in channels if channel not in self._refused]
        return dict.fromkeys(kept[: self._limit])

    @staticmethod
    def _is_overdue(since: float | None, now: float) -> bool:
        return since is not None and now - since > ANSWER_SECONDS
