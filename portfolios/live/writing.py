"""What rooms are told of a portfolio: the figures of ``GET /v1/portfolios/{id}`` and the day's change.

Figures are rounded once, from exact sums, as replies are. A tick may write ten thousand messages, so what is
alike in all of them is worked out for all at once, in whole numbers; what those cannot hold is worked out one
by one, by Python's, which have no bounds.
"""

from __future__ import annotations

from datetime import datetime
from itertools import repeat
from typing import Final

import numpy as np

from portfolios.live.book import QUIET, SPARE, WHOLE, Book, Line, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.live.parts import Parts
from portfolios.live.price_texts import json_text, price_text, price_texts
from portfolios.live.sums import total_of, totals
from portfolios.live.worth import UNKNOWN
from portfolios.maths.columns import even, percent_even
from portfolios.maths.whole import (
    COST_PLACES,
    PERCENT_PLACES,
    PRICE_PLACES,
    VALUE_PLACES,
    half_even,
    percent,
    written,
)
from realtime.protocol.encoding import dumps
from realtime.protocol.letters import NULL, Figures, joined

TYPE: Final = "portfolio"
PRICES, LEDGER, STATE, SNAPSHOT = "prices", "ledger", "state", "snapshot"
#: So many rows are in one message at the most; the others come in the next, a pace later.
MOST_ROWS: Final = 100
_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
_UNIT: Final = tuple(10**places for places in range(100))
_POWER: Final = np.array([10**places for places in range(19)], np.int64)
_DATA, _HOLDINGS, _END = b'"data":', b'},"holdings":[', b'],"warnings":[]}'


def fields(book: Book, at: Numbers, now: datetime, *, most: int = MOST_ROWS) -> list[bytes]:
    """The fields of the next message of each portfolio at these places; that is due no more.

    They are JSON objects without their braces.
    """
    book.settle()
    rows = _rows(book, at, now, most)
    summaries, alone = _summaries(book, at)
    heads = list(map(book.heads.__getitem__, at.tolist()))
    if not all(heads):
        heads = [head or _head(book, place) for head, place in zip(heads, at.tolist(), strict=True)]
    found = list(map(b"".join, zip(heads, summaries, repeat(_HOLDINGS), rows, repeat(_END), strict=False)))
    for number in alone.union(np.flatnonzero(book.owners["plain"][at] == 0).tolist()):
        portfolio = book.by_place[int(at[number])]
        if number in alone:
            summary = _summary(portfolio, *total_of(portfolio))
        else:
            summary = b"%b%b" % (_fixed(portfolio), summaries[number])
        reason, state = PRICES, b""
        if portfolio.reason:
            # What does not follow prices is told when it may have changed.
            reason, state = portfolio.reason, f",{portfolio.state}".encode()
            portfolio.reason = ""
            book.note_reason(portfolio)
        warnings = dumps(portfolio.all_warnings())
        words = (_said(portfolio, reason), state, b',"summary":{', summary, _HOLDINGS, rows[number])
        found[number] = b"".join((*words, b'],"warnings":', warnings, b"}"))
    return found


def data_of(fields: bytes) -> bytes:
    """What the fields of a message have under ``data``, their only member."""
    return fields[len(_DATA) :]


def _head(book: Book, place: int) -> bytes:
    portfolio = book.by_place[place]
    head = book.heads[place] = b'%b,"summary":{%b' % (_said(portfolio, PRICES), _fixed(portfolio))
    return head


def _said(portfolio: Watched, reason: str) -> bytes:
    return (
        _DATA
        + (
            f'{{"reason":"{reason}","ledger_sequence":{portfolio.sequence}'
            f',"base_currency":{json_text(portfolio.base)}'
        ).encode()
    )


def _fixed(portfolio: Watched) -> bytes:
    return f"{portfolio.fixed}{portfolio.by_currency}".encode()


def _summaries(book: Book, at: Numbers) -> tuple[list[bytes], set[int]]:
    """The summaries of the portfolios at these places from their figures on, as members of JSON objects.

    With them come the numbers of those that are to be written one by one: their summaries mean nothing.
    """
    market, previous, found = totals(book, at)
    owners = book.owners
    found = found & (owners["small"][at] > 0)
    invested, cost, earned, cash = (
        Parts(*(owners[f"{name}{part}"][at] for part in ("", "_part", "_rough")))
        for name in ("invested", "cost_now", "earned", "cash")
    )
    gain, change = market.minus(invested), market.minus(previous)
    sums = (market, gain, market.minus(cost), gain.plus(earned), market.plus(cash), change)
    any_part = np.zeros(len(at), np.bool_)
    for one in (*sums, invested, previous):
        found &= one.is_sure()
        any_part |= one.part > 0
    # Each is more by less than one where there are parts: a tie is none then.
    whole, more = np.array([one.whole for one in sums]), np.array([one.part > 0 for one in sums])
    rounded, figures = _scaled(even(whole, 10**SPARE, more=more), owners["places"][at])
    gained, is_sure = percent_even(gain.whole, invested.whole, any_part)
    of_day, is_sure_too = percent_even(change.whole, previous.whole, any_part)
    found &= is_sure & is_sure_too & (invested.whole != 0) & (previous.whole != 0)
    worth, grown, priced, in_all, value, changed = (Figures(one, figures) for one in rounded)
    texts = joined(
        len(at),
        (
            *(b',"total_current_value":', worth, b',"total_unrealized_gain":', grown),
            *(b',"total_unrealized_gain_pct":', Figures(gained, PERCENT_PLACES)),
            *(b',"total_price_gain":', priced, b',"total_gain":', in_all, b',"total_value":', value),
            *(b',"day_change":', changed, b',"day_change_pct":', Figures(of_day, PERCENT_PLACES)),
        ),
    )
    return texts, set(np.flatnonzero(~found).tolist())


def _scaled(numbers: Numbers, places: Numbers) -> tuple[Numbers, int]:
    """Numbers of so many places each, all with as many as they are written together with, and how many."""
    most = int(places.max(initial=0))
    return numbers if (places == most).all() else numbers * _POWER[most - places], most


def _summary(portfolio: Watched, market: int | None, previous: int | None) -> bytes:
    """One summary, whatever its numbers."""
    places, unit = portfolio.places, _UNIT[portfolio.scale - portfolio.places]
    gain = by_price = total = value = change = gain_percent = change_percent = None
    by_currency = ',"total_currency_gain":null'
    if market is not None:
        if portfolio.invested is not None and portfolio.cost_now is not None:
            gain = market - portfolio.invested
            gain_percent = percent(gain, portfolio.invested)
            if portfolio.earned is not None:
                total = half_even(gain + portfolio.earned, unit)
            gain = half_even(gain, unit)
            by_price, by_currency = half_even(market - portfolio.cost_now, unit), portfolio.by_currency
        if portfolio.cash is not None:
            value = half_even(market + portfolio.cash, unit)
        if previous is not None:
            change = market - previous
            change_percent = percent(change, previous)
            change = half_even(change, unit)
        market = half_even(market, unit)
    return (
        f'{portfolio.fixed}{by_currency},"total_current_value":{written(market, places)}'
        f',"total_unrealized_gain":{written(gain, places)}'
        f',"total_unrealized_gain_pct":{written(gain_percent, PERCENT_PLACES)}'
        f',"total_price_gain":{written(by_price, places)}'
        f',"total_gain":{written(total, places)}'
        f',"total_value":{written(value, places)}'
        f',"day_change":{written(change, places)}'
        f',"day_change_pct":{written(change_percent, PERCENT_PLACES)}'
    ).encode()


# --- Rows ---


def _rows(book: Book, at: Numbers, now: datetime, most: int) -> list[bytes]:
    """The rows that are due of each of the portfolios, no more than ``most``; the others stay due."""
    lines, owners = book.lines, book.owners
    owners["waiting"][at] = 0
    counts = owners["count"][at]
    before = np.cumsum(counts) - counts
    of_all = np.repeat(owners["first"][at] - before, counts) + np.arange(counts.sum())
    is_due = lines["due"][of_all] > 0
    # The place of each among all lines, and of its portfolio among these.
    rows, of = of_all[is_due], np.repeat(np.arange(len(at)), counts)[is_due]
    starts, sizes = _runs(of)
    if (sizes > most).any():
        kept = np.arange(len(rows)) - np.repeat(starts, sizes) < most
        owners["waiting"][at[of[~kept]]] = 1
        rows, of = rows[kept], of[kept]
        starts, sizes = _runs(of)
    is_whole = lines["due"][rows] == WHOLE
    lines["due"][rows] = QUIET
    if not len(rows):
        return [b""] * len(at)
    # A portfolio of which one row is written alone has all of them written so.
    certain = ~is_whole & _fit(book, rows)
    together = np.repeat(np.logical_and.reduceat(certain, starts), sizes)
    texts, certain[together] = _texts(book, rows[together], of[together], now)
    found = [b""] * len(at)
    for number, text in zip(of[starts[together[starts]]].tolist(), texts, strict=True):
        found[number] = text
    for run in np.flatnonzero(~np.logical_and.reduceat(certain, starts)).tolist():
        own = slice(starts[run], starts[run] + sizes[run])
        found[of[starts[run]]] = b",".join(
            _row(_line(book, row), now, whole=whole)
            for row, whole in zip(rows[own].tolist(), is_whole[own].tolist(), strict=True)
        )
    # Those texts are new.
    book.prices["written"][lines["stock"][rows[is_whole]]] = 0
    return found


def _runs(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Where each run of equal numbers starts, and how long it is."""
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    return starts, np.diff(starts, append=len(numbers))


def _fit(book: Book, rows: Numbers) -> Flags:
    """Which lines have numbers that can be worked out in columns."""
    lines, prices = book.lines, book.prices
    stocks = lines["stock"][rows]
    price = prices["price"][stocks]
    # The nearest that doubles come is near enough to tell what whole numbers of 64 bits hold.
    most = lines["quantity"][rows].astype(np.float64) * np.maximum(price, prices["previous"][stocks])
    fit: Flags = (lines["small"][rows] > 0) & (price != UNKNOWN) & (most <= 2.0**61)
    return fit


def _texts(book: Book, rows: Numbers, of: Numbers, now: datetime) -> tuple[list[bytes], Flags]:
    """The rows of these lines as JSON, those of the same portfolio in one text; and which are certain."""
    lines, prices = book.lines, book.prices
    stocks = lines["stock"][rows]
    price, previous = prices["price"][stocks], prices["previous"][stocks]
    quantity, places = lines["quantity"][rows], lines["places"][rows]
    cost, more = lines["cost"][rows], lines["more"][rows] > 0
    value = quantity * price
    gain = value - cost
    percentage, is_sure = percent_even(gain, cost, more)
    less = np.zeros((3, len(rows)), np.bool_)
    less[1] = more
    exact = np.array([value, gain, quantity * (price - previous)])
    rounded = even(exact, _POWER[lines["decimals"][rows] + PRICE_PLACES - places], less=less)
    rounded, figures = _scaled(rounded, places)
    rounded[2] = np.where(previous == UNKNOWN, NULL, rounded[2])
    worth, gained, of_day = (Figures(one, figures) for one in rounded)
    ends = np.diff(of, append=-1) != 0
    percentage = np.where(cost == 0, NULL, percentage)
    texts = joined(
        len(rows),
        (
            *(b'{"current_value":', worth, b',"unrealized_gain":', gained),
            *(b',"unrealized_gain_pct":', Figures(percentage, PERCENT_PLACES)),
            *(b',"day_change":', of_day, b",", price_texts(book, stocks, now), b"}"),
        ),
        ends,
    )
    return texts, is_sure


def _line(book: Book, row: int) -> Line:
    portfolio = book.by_place[int(book.lines["owner"][row])]
    return portfolio.lines[row - portfolio.first]


def _row(line: Line, now: datetime, *, whole: bool) -> bytes:
    """One row, whatever its numbers."""
    stock = line.stock
    sight, listing = stock.sight, stock.listing
    if whole:
        # Time goes on, and a price that was fresh may be stale when all is told again.
        stock.text = b""
    text = price_text(stock, now).decode()
    head = f"{{{line.fixed}," if whole else "{"
    if sight is None or listing is None:
        return f"{head}{text}}}".encode()
    places = listing.places
    value = line.quantity * sight.price
    gain = value * _TO_COST - line.cost
    day = "null"
    if sight.previous is not None:
        change = line.quantity * (sight.price - sight.previous)
        day = written(half_even(change, _UNIT[VALUE_PLACES - places]), places)
    return (
        f'{head}"current_value":{written(half_even(value, _UNIT[VALUE_PLACES - places]), places)}'
        f',"unrealized_gain":{written(half_even(gain, _UNIT[COST_PLACES - places]), places)}'
        f',"unrealized_gain_pct":{written(percent(gain, line.cost), PERCENT_PLACES)}'
        f',"day_change":{day},{text}}}'
    ).encode()
