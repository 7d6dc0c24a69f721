"""Which codes, markets and sectors there are, kept in memory so that asking for a room costs no query."""

from __future__ import annotations

import threading
import time
from typing import Final

from stocks.models import Market

#: Seconds after which all names are read again; the shortest time between two reads for names that were not
#: there the last time, and for names that nobody has asked for.
KEPT_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 15.0
NEW_SECONDS: Final = 2.0
# Who asks for nonsense must not fill the memory.
_MOST_ABSENT = 10_000

CODES, MARKETS, SECTORS = "codes", "markets", "sectors"
_Names = dict[str, frozenset[str]]


class Listed:
    """The names of a process: one query at first need, and one when they may be out of date.

    A name that is listed later is found within NEW_SECONDS, or within AGAIN_SECONDS where somebody asked for
    it before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: _Names = {}
        self._absent: set[tuple[str, str]] = set()
        self._read_at = float("-inf")

    def known(self, kind: str, name: str) -> bool | None:
        """Whether there is such a name, as far as memory tells; None where the database is to be asked."""
        age = time.monotonic() - self._read_at
        if age > KEPT_SECONDS:
            return None
        if name in self._names[kind]:
            return True
        again = AGAIN_SECONDS if (kind, name) in self._absent else NEW_SECONDS
        return False if age <= again else None

    def contains(self, kind: str, name: str) -> bool:
        """Whether there is such a name; asks the database where memory does not tell."""
        if (known := self.known(kind, name)) is not None:
            return known
        with self._lock:
            # Another thread may have read meanwhile.
            if (known := self.known(kind, name)) is not None:
                return known
            self._names = _read()
            self._read_at = time.monotonic()
            found = name in self._names[kind]
            if not found:
                if len(self._absent) >= _MOST_ABSENT:
                    self._absent = set()
                self._absent.add((kind, name))
            return found

    def forget(self) -> None:
        """As in a process that has just begun."""
        with self._lock:
            self._read_at = float("-inf")
            self._absent = set()


def _read() -> _Names:
    # From the market's side, so that one without stocks is there as well.
    rows = list(Market.objects.order_by().values_list("code", "stocks__code", "stocks__sector"))
    return {
        MARKETS: frozenset(market for market, _, _ in rows),
        CODES: frozenset(code for _, code, _ in rows if code),
        SECTORS: frozenset(sector for _, _, sector in rows if sector),
    }


listed = Listed()
