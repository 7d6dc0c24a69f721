"""How long the stream waits, and for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stocks.providers.errors import AuthFailed, RateLimited, Upstream

_MOST_DOUBLINGS = 30


class KeyRefused(AuthFailed):
    """The approval key is not good any more; another one may do."""


class InUse(Upstream):
    """Another session has the app key: KIS allows one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of everything that the stream waits for."""

    #: At most this long between two updates.
    beat: float = 0.5
    #: Between two looks at what is wanted.
    wanted: float = 1.0
    opening: float = 5.0
    sending: float = 5.0
    #: KIS asks after us about every 110 seconds; two of these missed are a dead line.
    silence: float = 240.0
    #: The first pause after a cut is up to this long, each next one up to twice the one before.
    first_pause: float = 1.0
    longest_pause: float = 60.0
    #: At least this long where the app key is in use or refused.
    long_pause: float = 60.0


class Pauses:
    """Pauses that double while nothing comes, drawn anew each time so that many clients do not meet."""

    def __init__(self, pace: Pace, jitter: Callable[[float, float], float]) -> None:
        self._pace = pace
        self._jitter = jitter
        self._cuts = 0

    def reset(self) -> None:
        """Data came: the next cut is the first again."""
        self._cuts = 0

    def after(self, error: Exception) -> float:
        """Seconds to wait before the next try."""
        ceiling = min(self._pace.first_pause * 2**self._cuts, self._pace.longest_pause)
        self._cuts = min(self._cuts + 1, _MOST_DOUBLINGS)
        pause = self._jitter(0.0, ceiling)
        match error:
            case KeyRefused():
                return pause
            case InUse() | AuthFailed():
                return self._jitter(self._pace.long_pause, 2 * self._pace.long_pause)
            case RateLimited():
                return pause + (error.retry_after or 0.0)
        return pause
