"""The days of a portfolio's value, and what the market must have said for there to be one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portfolios.maths.story import Move

#: The longest holidays of a market, and some more.
CARRY: Final = timedelta(days=14)
#: Decimals of stored prices and of quantities, which whole numbers stand for.
PRICE_PLACES: Final = 8
QUANTITY_PLACES: Final = 10
WEEKEND: Final = 5

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Closes:
    """Closes of a stock, oldest first, and at least one: ordinals of days, and whole numbers of 10⁻⁸."""

    days: Ints
    prices: Ints


@dataclass(frozen=True, slots=True)
class Market:
    """What the market said: closes and currency by stock, and by currency the rate of each day of the series.

    ``rebased`` are the days on which the closes of a stock change their basis without any event. ``now`` are
    prices, as closes are, that hold at the end of the last day however old they are.
    """

    closes: Mapping[int, Closes]
    currencies: Mapping[int, str]
    rates: Mapping[str, Sequence[Decimal | None]]
    rebased: Mapping[int, Sequence[date]] = field(default_factory=dict)
    now: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """The end of a day in the base currency; what is unknown is None.

    ``value`` is shares and cash. ``put_in`` and ``taken_out`` (both ≥ 0) crossed the border on this day.
    ``invested`` is what the shares had cost. On a session something could change its price.
    """

    day: date
    shares: Decimal | None
    cash: Decimal | None
    invested: Decimal | None
    put_in: Decimal | None
    taken_out: Decimal | None
    is_session: bool
    value: Decimal | None = None


class Gap(NamedTuple):
    """Days on which something that mattered was not known: how many, the first and the last of them."""

    number: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Series:
    """Days, oldest first, what was not known on some of them, and days whose return has no meaning.

    ``unpriced`` is by stock, ``unrated`` by currency. ``rebased`` and ``unsplit`` name the stocks whose
    closes change their basis on a day without a split, or do not follow a split. ``worth`` is what each move
    came to.
    """

    days: list[Day]
    worth: list[tuple[Move, Decimal | None]]
    unpriced: dict[int, Gap] = field(default_factory=dict)
    unrated: dict[str, Gap] = field(default_factory=dict)
    rebased: list[tuple[date, int]] = field(default_factory=list)
    unsplit: list[tuple[date, int]] = field(default_factory=list)


def days_between(first: date, last: date, *, more: Iterable[date], traded: Iterable[Ints]) -> list[date]:
    """Monday to Friday, and any other day on which something traded or a row took effect; and the last."""
    ordinals = {day for day in range(first.toordinal(), last.toordinal() + 1) if (day + 6) % 7 < WEEKEND} | {
        last.toordinal()
    }
    ordinals |= {day.toordinal() for day in more}
    for days in traded:
        ordinals.update(days[(days + 6) % 7 >= WEEKEND].tolist())
    return [date.fromordinal(day) for day in sorted(ordinals) if first.toordinal() <= day <= last.toordinal()]
