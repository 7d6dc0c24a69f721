"""Which rooms a stock's updates go to, and by which calendar it trades."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from realtime.protocol.names import InvalidRoom, parse_room
from stocks.models import Stock

#: Seconds after which the stocks are read again; the shortest time between two reads for codes that were not
#: there the last time, and for codes that nobody has asked for.
KEPT_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 15.0
NEW_SECONDS: Final = 1.0
# A feed of nonsense must not fill the memory.
_MOST_ABSENT = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """The rooms that are told of a stock, each with the stock's key there, and its calendar.

    ``prices`` begins with the stock's own room; behind it come those of its market and sector, where it
    stands among others. Both are empty where the stock is no longer listed, or has a code that no room can
    have.
    """

    prices: tuple[tuple[str, str], ...]
    books: tuple[tuple[str, str], ...]
    calendar: str


class Directory:
    """The places of all stocks, kept in memory and read anew every few minutes."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._absent: set[str] = set()
        self._read_at = float("-inf")

    def places(self, codes: Iterable[str]) -> Mapping[str, Place]:
        """Where updates go, by code: at least of those of ``codes`` that any stock has.

        A stock that is listed later is found within NEW_SECONDS, or within AGAIN_SECONDS where its updates
        came before it.
        """
        age = time.monotonic() - self._read_at
        unknown = {code for code in codes if code not in self._places}
        if (
            age > KEPT_SECONDS
            or (unknown and age > AGAIN_SECONDS)
            or (age > NEW_SECONDS and not unknown <= self._absent)
        ):
            self._read()
            absent = unknown if len(self._absent) > _MOST_ABSENT else self._absent | unknown
            self._absent = absent - self._places.keys()
        return self._places

    def _read(self) -> None:
        rows = Stock.objects.order_by().values_list(
            "code", "market_id", "sector", "is_active", "market__calendar"
        )
        self._places = {
            code: _place(code, market, sector, listed, calendar)
            for code, market, sector, listed, calendar in rows
        }
        self._read_at = time.monotonic()


def _place(code: str, market: str, sector: str, listed: bool, calendar: str) -> Place:
    # Loaded sectors and codes are anybody's texts: one that names no room must not keep the others back.
    if not listed or not _is_room(f"price:{code}"):
        return Place((), (), calendar)
    shared = (f"market:{market}", f"sector:{sector}") if sector else (f"market:{market}",)
    return Place(
        prices=((f"price:{code}", ""), *((room, code) for room in shared if _is_room(room))),
        books=((f"orderbook:{code}", ""),),
        calendar=calendar,
    )


def _is_room(name: str) -> bool:
    try:
        parse_room(name)
    except InvalidRoom:
        return False
    return True
