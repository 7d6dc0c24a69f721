"""What is written over the entries of what has ended or changed, so that nobody believes or renews them.

An entry is written only after the database was asked, and only where no tombstone stands. A tombstone
outlives every request that may have asked the database before, so none of them can bring the entry back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence

from accounts.redis import RedisAway, call_each

TOMBSTONE = b"-"
#: Of what has ended, and of what is alive but has changed: the latter is remembered anew.
ENDED_SECONDS, CHANGED_SECONDS = 900, 60
#: No entry of any kind lives longer; so long a tombstone that Redis did not take is tried again.
LONGEST_LIFE = 600
_AT_ONCE = 1000
_RETRY_SECONDS = 0.1


def bury(names: Iterable[str], *, seconds: int = ENDED_SECONDS) -> None:
    """Put tombstones over entries, before what ends or changes them is committed.

    Where Redis does not take them they are tried again behind the caller, for as long as an entry may live: a
    sign-out needs the database alone.
    """
    different = list(dict.fromkeys(names))
    try:
        _bury(different, seconds)
    except RedisAway:
        _gravedigger.bury(different, seconds)


def _bury(names: Sequence[str], seconds: int, *, insist: bool = False) -> None:
    for start in range(0, len(names), _AT_ONCE):
        commands = [("SET", name, TOMBSTONE, "EX", seconds) for name in names[start : start + _AT_ONCE]]
        call_each(commands, insist=insist)


class _Gravedigger:
    """A thread, while there is work for it, that writes the tombstones which Redis did not take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[float, int]] = {}
        self._works = False

    def bury(self, names: Iterable[str], seconds: int) -> None:
        until = time.monotonic() + LONGEST_LIFE + 1
        with self._lock:
            self._waiting.update(dict.fromkeys(names, (until, seconds)))
            if not self._works:
                self._works = True
                threading.Thread(target=self._run, name="tombstones", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_RETRY_SECONDS)
            with self._lock:
                now = time.monotonic()
                # Of the older ones no entry can be left.
                self._waiting = {one: kept for one, kept in self._waiting.items() if kept[0] > now}
                waiting = dict(self._waiting)
                if not waiting:
                    self._works = False
                    return
            try:
                for seconds in {kept[1] for kept in waiting.values()}:
                    _bury([one for one, kept in waiting.items() if kept[1] == seconds], seconds, insist=True)
            except RedisAway:
                continue
            with self._lock:
                for one, kept in waiting.items():
                    if self._waiting.get(one) == kept:
                        del self._waiting[one]


_gravedigger = _Gravedigger()
