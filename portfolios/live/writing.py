"""What rooms are told of a portfolio: the figures of ``GET /v1/portfolios/{id}`` and the day's change.

Figures are rounded once, from exact sums, as replies are. A tick may write ten thousand messages, so compiled
loops write them, with whole numbers of 64 bits. What those cannot hold, and what is told as a whole, is
written one by one, by Python's, which have no bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np

from portfolios.live.book import QUIET, WHOLE, Book, Line, Watched
from portfolios.live.columns import Numbers
from portfolios.live.price_texts import json_text, price_text, write_prices
from portfolios.live.sums import total_of
from portfolios.maths.whole import (
    COST_PLACES,
    PERCENT_PLACES,
    VALUE_PLACES,
    half_even,
    percent,
    written,
)
from realtime.protocol.encoding import dumps
from realtime.protocol.letters import Letters, Texts, texts

TYPE: Final = "portfolio"
PRICES, LEDGER, STATE, SNAPSHOT = "prices", "ledger", "state", "snapshot"
#: So many rows are in one message at the most; the others come in the next, a pace later.
MOST_ROWS: Final = 100
_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
_UNIT: Final = tuple(10**places for places in range(100))
_DATA, _SUMMARY, _HOLDINGS = b'"data":', b',"summary":{', b'},"holdings":['
_NO_WARNINGS: Final = b'],"warnings":[]}'


def fields(book: Book, at: Numbers, now: datetime, *, most: int = MOST_ROWS) -> Texts:
    """The fields of the next message of each portfolio at these places; that is due no more.

    They are JSON objects without their braces.
    """
    # Numba takes a while to import, and most processes write no messages.
    from portfolios.live import writing_compiled as code

    book.sum()
    lines, prices, count = book.lines, book.prices, len(at)
    firsts, counts = book.owners["first"][at], book.owners["count"][at]
    seen, new = np.zeros((2, prices.count), np.int64)
    due, unwritten = code.unwritten(
        *(firsts, counts, lines["stock"], lines["due"], prices["price"], prices["written"], seen, new)
    )
    write_prices(book, new[:unwritten], now)
    of_prices = book.texts.texts()
    odd = {
        number: _begin(book, book.by_place[int(at[number])])
        for number in np.flatnonzero(book.owners["plain"][at] == 0).tolist()
    }
    heads, tails = _ends(book, at, odd)
    each_row = code.ROW_ROOM + int((of_prices.ends - of_prices.starts).max(initial=0))
    size = heads.size() + tails.size() + count * code.SUMMARY_ROOM + due * each_row
    out: Letters = np.empty(size, np.uint8)
    begun, ended = np.empty((2, count), np.uint64)
    waiting = np.empty(count, np.int64)
    end = code.write(
        np.array([book.owners[name][at] for name in code.OWNERS]),
        *(firsts, counts),
        *(lines[name] for name in ("stock", "due", "small", *code.LINES)),
        *(prices["price"], prices["previous"]),
        *(column for some in (of_prices, heads, tails) for column in some.sizes()),
        *(most, out, begun, ended, waiting),
    )
    is_alone = waiting == code.ALONE
    book.owners["waiting"][at[~is_alone]] = waiting[~is_alone]
    found = Texts(out[:end], begun.view(np.int64), ended.view(np.int64))
    if is_alone.any():
        numbers = np.flatnonzero(is_alone)
        alone = texts(
            [_alone(book, int(at[number]), odd.get(number), now, most) for number in numbers.tolist()]
        )
        found.starts[numbers], found.ends[numbers] = alone.starts + end, alone.ends + end
        found = Texts(np.append(found.data, alone.data), found.starts, found.ends)
    return found


def whole_data(book: Book, portfolio: Watched, now: datetime) -> bytes:
    """What the next message of a portfolio has under ``data``, with all rows that are due."""
    text = _alone(book, portfolio.at, _begin(book, portfolio), now, max(len(portfolio.lines), 1))
    return data_of(text)


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from portfolios.live import worth_compiled, writing_compiled  # noqa: F401


def data_of(fields: bytes) -> bytes:
    """What the fields of a message have under ``data``, their only member."""
    return fields[len(_DATA) :]


def _begin(book: Book, portfolio: Watched) -> tuple[bytes, bytes]:
    """How the next message of a portfolio begins, up to its summary, and how it ends.

    What does not follow prices is told when it may have changed.
    """
    reason, state = PRICES, b""
    if portfolio.reason:
        reason, state = portfolio.reason, f",{portfolio.state}".encode()
        portfolio.reason = ""
        book.note_reason(portfolio)
        # It is told of prices alone next, by a tick that others wait for.
        _head(book, portfolio.at)
    return _said(portfolio, reason) + state + _SUMMARY, _end(portfolio)


def _end(portfolio: Watched) -> bytes:
    return b'],"warnings":%b}' % dumps(portfolio.all_warnings())


def _ends(book: Book, at: Numbers, odd: Mapping[int, tuple[bytes, bytes]]) -> tuple[Texts, Texts]:
    """What stands before and behind what follows prices; ``odd`` has how some begin, by number, and end."""
    heads = [book.heads[place] or _head(book, place) for place in at.tolist()]
    tails = [_NO_WARNINGS] * len(heads)
    for number, (begin, end) in odd.items():
        heads[number] = begin + _fixed(book.by_place[int(at[number])])
        tails[number] = end
    return texts(heads), texts(tails)


def _head(book: Book, place: int) -> bytes:
    """How messages of a portfolio begin that tell of prices alone."""
    portfolio = book.by_place[place]
    head = book.heads[place] = b"".join((_said(portfolio, PRICES), _SUMMARY, _fixed(portfolio)))
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


# --- One by one, whatever the numbers ---


def _alone(book: Book, place: int, ends: tuple[bytes, bytes] | None, now: datetime, most: int) -> bytes:
    """The message of one portfolio, the rows of which are due no more."""
    portfolio, due = book.by_place[place], book.lines["due"]
    begin, end = ends or (_said(portfolio, PRICES) + _SUMMARY, _end(portfolio))
    rows = np.flatnonzero(due[book.rows(portfolio)])
    book.owners["waiting"][place] = len(rows) > most
    written_rows = []
    for row in rows[:most].tolist():
        line, at = portfolio.lines[row], portfolio.first + row
        written_rows.append(_row(line, now, whole=bool(due[at] == WHOLE)))
        if due[at] == WHOLE:
            # That text is new.
            book.prices["written"][line.stock.at] = 0
        due[at] = QUIET
    summary = _summary(portfolio, *total_of(portfolio))
    return b"".join((begin, summary, _HOLDINGS, b",".join(written_rows), end))


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
