"""Corporate actions: splits and cash dividends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from math import exp

from stocks.providers.sandbox import events, sessions, walk
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.company import company
from stocks.providers.sandbox.universe import ORIGIN, Instrument
from stocks.types import Action, ActionKind

_SMALLEST_DIVIDEND = {"KRW": Decimal(1), "USD": Decimal("0.01"), "INR": Decimal("0.05")}


def actions(seed: int, instrument: Instrument, start: date, end: date) -> list[Action]:
    """Actions with an ex-date from ``start`` to ``end`` inclusive, oldest first."""
    if instrument.index:
        return []
    found = [*_splits(seed, instrument, end), *_dividends(seed, instrument, end)]
    listed_on = instrument.listed_on or ORIGIN
    return sorted(
        (action for action in found if max(start, listed_on) <= action.ex_date <= end),
        key=lambda action: (action.ex_date, action.kind),
    )


def _splits(seed: int, instrument: Instrument, through: date) -> Iterator[Action]:
    for split in events.splits(seed, instrument, through):
        yield Action(ActionKind.SPLIT, split.ex_date, ratio=split.ratio)


def _dividends(seed: int, instrument: Instrument, through: date) -> Iterator[Action]:
    business = company(seed, instrument)
    if not business.dividend_yield:
        return
    venue = instrument.venue
    growth = walk.motion(seed, instrument).growth
    quantum = _SMALLEST_DIVIDEND[venue.currency]
    years = through.year - ORIGIN.year + 1
    noise = generator(seed, instrument.code, "dividends").standard_normal((years, business.payments)).tolist()
    splits = events.splits(seed, instrument, through)
    step = 12 // business.payments
    for year in range(years):
        for payment in range(business.payments):
            month = step * payment + 1 + min(business.payment_month, step - 1)
            due = date(ORIGIN.year + year, month, business.payment_day)
            if due > through:
                return
            price = instrument.middle / 10**venue.digits
            wanted = price * walk.drift(growth, due) * business.dividend_yield / 100.0 / business.payments
            wanted *= exp(0.04 * noise[year][payment])
            ex_date = sessions.session_from(venue.calendar, due)
            wanted /= float(events.factor_on(splits, ex_date))
            amount = (Decimal(wanted) / quantum).quantize(Decimal(1), ROUND_HALF_EVEN) * quantum
            if amount > 0:
                yield Action(ActionKind.DIVIDEND, ex_date, amount=amount, currency=venue.currency)
