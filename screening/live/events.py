"""What is told of live screens, as it is kept until everybody knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgpack


class Event(StrEnum):
    """``MEMBERS`` says who is in a screen, where it begins or asks something else; ``GONE`` ends it."""

    ENTER = "enter"
    LEAVE = "leave"
    UPDATE = "update"
    MEMBERS = "members"
    GONE = "gone"


#: What is written down before it is told. An update is not: the next one says it again.
_NUMBERS: Final = {Event.ENTER: 0, Event.LEAVE: 1, Event.MEMBERS: 2, Event.GONE: 3}
_EVENTS: Final = {number: event for event, number in _NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Move:
    """One event of a screen. Of a stock that enters or leaves: its code, the time and the price of its quote.

    ``as_of`` is in microseconds since 1970; where no quote is laid over the stock's figures it is the time at
    which they were found.
    """

    event: Event
    screen_id: UUID
    stock_code: str = ""
    as_of: int = 0
    price: Decimal | None = None


def packed(moves: Sequence[Move]) -> bytes:
    """The moves as bytes."""
    data: bytes = msgpack.packb(
        [
            (
                _NUMBERS[one.event],
                one.screen_id.bytes,
                one.stock_code,
                one.as_of,
                None if one.price is None else str(one.price),
            )
            for one in moves
        ]
    )
    return data


def unpacked(data: bytes) -> list[Move]:
    """The moves of these bytes."""
    return [
        Move(_EVENTS[event], UUID(bytes=screen), code, as_of, None if price is None else Decimal(price))
        for event, screen, code, as_of, price in msgpack.unpackb(data)
    ]
