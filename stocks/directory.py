"""Which rooms a stock's updates go to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from realtime.protocol.names import InvalidRoom, parse_room
from stocks.models import Stock

#: Seconds after which the stocks are read again, and the shortest time between two reads for unknown codes.
KEPT_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Place:
    """The rooms of a stock; ``shared`` are those of its market and sector, where it stands among others."""

    price: str
    orderbook: str
    shared: tuple[str, ...]


class Directory:
    """The places of all listed stocks, kept in memory and read anew every few minutes."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._read_at = float("-inf")

    def find(self, code: str) -> Place | None:
        """Where updates of ``code`` go; None where no stock, or none that can name a room, has that code."""
        age = time.monotonic() - self._read_at
        if age > KEPT_SECONDS or (age > AGAIN_SECONDS and code not in self._places):
            self._read()
        return self._places.get(code)

    def _read(self) -> None:
        rows = Stock.objects.filter(is_active=True).order_by().values_list("code", "market_id", "sector")
        # Loaded sectors and codes are anybody's texts: one that names no room must not keep the others back.
        self._places = {
            code: Place(
                f"price:{code}", f"orderbook:{code}", tuple(filter(_is_room, _shared(market, sector)))
            )
            for code, market, sector in rows
            if _is_room(f"price:{code}")
        }
        self._read_at = time.monotonic()


def _shared(market: str, sector: str) -> tuple[str, ...]:
    return (f"market:{market}", f"sector:{sector}") if sector else (f"market:{market}",)


def _is_room(name: str) -> bool:
    try:
        parse_room(name)
    except InvalidRoom:
        return False
    return True
