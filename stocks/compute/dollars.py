"""What one unit of a currency was worth in US dollars on a day, for formulas that were fitted in dollars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array, Days
from stocks.models import FxRate
from stocks.rates import best, candidates, pairs_for
from stocks.types import FxRate as Rate

DOLLAR: Final = "USD"
#: The rate of a day is the newest of the days before it, up to so many.
LOOK_BACK: Final = timedelta(days=7)

_Pair = tuple[str, str]


def dollars_on(currency: npt.NDArray[np.str_], days: Days) -> Array:
    """US dollars for one unit of each currency on each day; NaN where no rate of about that day is stored."""
    out = np.where(currency == DOLLAR, 1.0, np.nan)
    foreign = (currency != DOLLAR) & (currency != "")
    if not foreign.any():
        return out
    wanted = {(str(currency[i]), days[i].astype(date)) for i in np.flatnonzero(foreign)}
    known = _rates({name for name, _ in wanted}, {day for _, day in wanted})
    for name, day in wanted:
        rate = best(list(candidates(name, DOLLAR, _newest(known, day))), apart=LOOK_BACK)
        if rate is not None:
            out[(currency == name) & (days == np.datetime64(day, "D"))] = float(rate.rate)
    return out


def _rates(currencies: set[str], days: set[date]) -> list[Rate]:
    """The stored rates of all pairs that may be needed, oldest first."""
    pairs = {pair for name in currencies for pair in pairs_for(name, DOLLAR)}
    rows = FxRate.objects.filter(
        base__in={base for base, _ in pairs},
        quote__in={quote for _, quote in pairs},
        date__range=(min(days) - LOOK_BACK, max(days)),
    ).order_by("date")
    return [
        Rate(row.base, row.quote, row.rate, row.as_of, row.received_at, row.source)
        for row in rows
        if (row.base, row.quote) in pairs
    ]


def _newest(rates: list[Rate], day: date) -> Mapping[_Pair, Rate]:
    return {(rate.base, rate.quote): rate for rate in rates if day - LOOK_BACK <= rate.as_of.date() <= day}
