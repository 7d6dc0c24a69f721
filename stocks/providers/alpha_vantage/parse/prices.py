"""Quotes, daily bars and what changes them: splits and dividends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from stocks.providers.alpha_vantage.symbols import refuse_another
from stocks.providers.errors import Malformed
from stocks.providers.json import count, day, decimal, mapping, price, price_or_none, required, sequence, text
from stocks.sessions import Schedule
from stocks.types import Action, ActionKind, Bar, Tick

_PLACES = Decimal("1e-10")
LEAST_FACTOR, GREATEST_FACTOR = Decimal("0.0001"), Decimal(10_000)
#: A factor of more decimals than this was not rounded.
MOST_DECIMALS = 6
_ROUND = (100, 50, 25, 10, 5, 1)


def tick(
    answer: Mapping[str, Any], code: str, *, now: datetime, sessions: Schedule, source: str
) -> Tick | None:
    """The latest price, None where they know no such symbol.

    They name the session, not the moment: ``as_of`` is its close, or ``now`` while it still goes on. Raises
    Malformed for a session to come, another symbol, or a price that cannot be one.
    """
    if not answer:
        return None
    quote = mapping(answer.get("Global Quote"), "the quote")
    if not quote:
        return None
    refuse_another(required(quote.get("01. symbol"), "symbol"), code)
    session = day(quote.get("07. latest trading day"), "latest trading day")
    _refuse_the_future(session, now, sessions)
    return Tick(
        code=code,
        price=price(quote.get("05. price"), "price"),
        as_of=min(sessions.close_of(session), now),
        received_at=now,
        source=source,
        seq=int(now.timestamp() * 1_000_000),
        volume=count(quote.get("06. volume"), "volume"),
        open=price_or_none(quote.get("02. open"), "open"),
        high=price_or_none(quote.get("03. high"), "high"),
        low=price_or_none(quote.get("04. low"), "low"),
        previous_close=price_or_none(quote.get("08. previous close"), "previous close"),
    )


def bars(
    answer: Mapping[str, Any], code: str, start: date, end: date, *, now: datetime, sessions: Schedule
) -> list[Bar]:
    """The bars of the days asked for, as traded, oldest first; of days before the oldest that came there are
    none.

    Raises Malformed for a bar that contradicts itself, or of a day to come.
    """
    if not answer:
        return []
    refuse_another(required(mapping(answer.get("Meta Data"), "meta").get("2. Symbol"), "symbol"), code)
    found = []
    for written, row in mapping(answer.get("Time Series (Daily)"), "series").items():
        session = day(written, "day")
        _refuse_the_future(session, now, sessions)
        if start <= session <= end:
            found.append(_bar(session, mapping(row, "bar")))
    return sorted(found, key=lambda bar: bar.date)


def _bar(session: date, row: Mapping[str, Any]) -> Bar:
    volume = count(row.get("5. volume"), "volume")
    if volume is None:
        raise Malformed("volume is missing")
    bar = Bar(
        date=session,
        open=(opened := price(row.get("1. open"), "open")),
        high=(high := price(row.get("2. high"), "high")),
        low=(low := price(row.get("3. low"), "low")),
        close=(close := price(row.get("4. close"), "close")),
        volume=volume,
    )
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise Malformed(f"the bar of {session} contradicts itself")
    return bar


def splits(answer: Mapping[str, Any], code: str, start: date, end: date) -> list[Action]:
    """Splits with an ex-date within the days asked for; ``ratio`` is new shares per old share."""
    return [
        Action(ActionKind.SPLIT, ex_date, ratio=split_ratio(factor))
        for ex_date, row in _events(answer, code, "effective_date", start, end)
        if (factor := price(row.get("split_factor"), "split factor")) != 1
    ]


def dividends(answer: Mapping[str, Any], code: str, start: date, end: date, currency: str) -> list[Action]:
    """Dividends per share as paid then, those of one ex-date added up; they state no currency."""
    amounts: dict[date, dict[tuple[str, ...], Decimal]] = {}
    for ex_date, row in _events(answer, code, "ex_dividend_date", start, end):
        amount = decimal(row.get("amount"), "amount")
        if amount is not None and amount < 0:
            raise Malformed("a dividend is negative")
        if amount:
            # A row that comes twice is the same payment; two payments of a day differ in something.
            same = tuple(str(row.get(name)) for name in ("amount", "record_date", "payment_date"))
            amounts.setdefault(ex_date, {})[same] = amount
    return [
        Action(ActionKind.DIVIDEND, ex_date, amount=sum(paid.values(), Decimal()), currency=currency)
        for ex_date, paid in amounts.items()
    ]


def split_ratio(factor: Decimal) -> Decimal:
    """The ratio that a factor of four decimals stands for, to the ten decimals that we store.

    A reverse split of one for thirty comes as 0.0333. What is no plain fraction is taken for the one for N of
    the roundest N that is written alike, and where there is none, for the fraction with the smallest
    denominator. Raises Malformed where no company splits so.
    """
    if not LEAST_FACTOR <= factor <= GREATEST_FACTOR:
        raise Malformed("split factor is out of range")
    exact, decimals = Fraction(factor), -_exponent(factor)
    meant = exact
    if exact.numerator > 1 and exact.denominator >= 1000 and decimals <= MOST_DECIMALS:
        half = Fraction(1, 2 * 10**decimals)
        alike = range(ceil(1 / (exact + half)), floor(1 / (exact - half)) + 1)
        if alike:
            meant = Fraction(1, max(alike, key=lambda old: [old % step == 0 for step in _ROUND]))
        else:
            meant = _simplest(exact, half)
    return (Decimal(meant.numerator) / meant.denominator).quantize(_PLACES).normalize()


def _simplest(exact: Fraction, half: Fraction) -> Fraction:
    for denominator in range(1, exact.denominator):
        fraction = Fraction(round(exact * denominator), denominator)
        if abs(fraction - exact) <= half:
            return fraction
    return exact


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # NaN and infinities are no prices
    return exponent


def _events(
    answer: Mapping[str, Any], code: str, dated: str, start: date, end: date
) -> list[tuple[date, Mapping[str, Any]]]:
    if not answer:
        return []
    refuse_another(required(answer.get("symbol"), "symbol"), code)
    rows = [mapping(row, "event") for row in sequence(answer.get("data"), "events")]
    found = [(day(row.get(dated), dated), row) for row in rows if text(row.get(dated), dated)]
    return [(ex_date, row) for ex_date, row in found if start <= ex_date <= end]


def _refuse_the_future(session: date, now: datetime, sessions: Schedule) -> None:
    if session > (now + timedelta(seconds=5)).astimezone(sessions.timezone).date():
        raise Malformed(f"the session of {session} is still to come")
