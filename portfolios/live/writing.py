"""What rooms are told of a portfolio: the figures of ``GET /v1/portfolios/{id}`` and the day's change.

Figures are rounded once, from exact sums, as replies are. A tick may write ten thousand messages, so what is
alike in all of them is worked out for all at once, in whole numbers; what those cannot hold is worked out one
by one, by Python's, which have no bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np

from portfolios.live import letters
from portfolios.live.book import QUIET, SPARE, UNKNOWN, WHOLE, Book, Line, Stock, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.live.parts import Parts
from portfolios.live.sums import rows_of, total_of, totals
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
from realtime.protocol.encoding import dumps, timestamp
from stocks.selectors.prices import is_stale
from stocks.sessions import FRESH_FOR
from stocks.wire_text import moment

TYPE: Final = "portfolio"
PRICES, LEDGER, STATE, SNAPSHOT = "prices", "ledger", "state", "snapshot"
#: So many rows are in one message at the most; the others come in the next, a pace later.
MOST_ROWS: Final = 100
_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
_UNIT: Final = tuple(10**places for places in range(100))
_POWER: Final = np.array([10**places for places in range(19)], np.int64)
_UNPRICED: Final = (
    '"current_price":null,"current_value":null,"unrealized_gain":null,"unrealized_gain_pct":null,'
    '"day_change":null,"as_of":null,"stale":null'
)


def data(book: Book, portfolios: Sequence[Watched], now: datetime, *, most: int = MOST_ROWS) -> list[bytes]:
    """What the next message of each portfolio says, as JSON; what is in it is not due any more."""
    rows = _rows(book, portfolios, now, most)
    summaries, alone = _summaries(book, portfolios)
    ending = b'},"holdings":[', b'],"warnings":[]}'
    found = [
        b"".join((portfolio.head or _head(portfolio), summary, ending[0], own, ending[1]))
        for portfolio, summary, own in zip(portfolios, summaries, rows, strict=True)
    ]
    odd = {number for number, portfolio in enumerate(portfolios) if portfolio.reason or portfolio.warnings}
    for number in odd | alone.keys():
        portfolio = portfolios[number]
        summary = b"%b%b" % (_fixed(portfolio), summaries[number])
        if number in alone:
            summary = _summary(portfolio, *alone[number])
        reason, state = PRICES, b""
        if portfolio.reason:
            # What does not follow prices is told when it may have changed.
            reason, state = portfolio.reason, f",{portfolio.state}".encode()
            portfolio.reason = ""
        warnings = dumps(portfolio.all_warnings())
        words = (_said(portfolio, reason), state, b',"summary":{', summary, ending[0], rows[number])
        found[number] = b"".join((*words, b'],"warnings":', warnings, b"}"))
    return found


def _head(portfolio: Watched) -> bytes:
    portfolio.head = b'%b,"summary":{%b' % (_said(portfolio, PRICES), _fixed(portfolio))
    return portfolio.head


def _said(portfolio: Watched, reason: str) -> bytes:
    return (
        f'{{"reason":"{reason}","ledger_sequence":{portfolio.sequence}'
        f',"base_currency":{_text(portfolio.base)}'
    ).encode()


def _fixed(portfolio: Watched) -> bytes:
    return f"{portfolio.fixed}{portfolio.by_currency}".encode()


def _summaries(
    book: Book, portfolios: Sequence[Watched]
) -> tuple[list[bytes], dict[int, tuple[int | None, int | None]]]:
    """The summaries of portfolios from their figures on, as members of JSON objects.

    With them come the totals of those that are not among the others, by place: these are written one by one.
    """
    market, previous, found = totals(book, portfolios)
    at = np.array([portfolio.at for portfolio in portfolios], np.int64)
    steady = book.owners.rows(at)
    found = found & (steady["small"] > 0)
    invested, cost, earned, cash = (
        Parts(steady[name], steady[f"{name}_part"], steady[f"{name}_rough"])
        for name in ("invested", "cost_now", "earned", "cash")
    )
    gain, change = market.minus(invested), market.minus(previous)
    sums = (market, gain, market.minus(cost), gain.plus(earned), market.plus(cash), change)
    for one in (*sums, invested, previous):
        found &= one.is_sure()
    spare = np.full(len(portfolios), 10**SPARE, np.int64)
    scale = _POWER[PERCENT_PLACES - steady["places"]]
    # Each is more by less than one where there are parts: a tie is none then.
    worth, grown, priced, in_all, value, changed = (
        letters.written(even(one.whole, spare, more=one.part > 0) * scale) for one in sums
    )
    any_part: Flags = np.logical_or.reduce([one.part > 0 for one in (*sums, invested, previous)])
    gained, is_sure = percent_even(gain.whole, invested.whole, any_part)
    of_day, is_sure_too = percent_even(change.whole, previous.whole, any_part)
    found &= is_sure & is_sure_too & (invested.whole != 0) & (previous.whole != 0)
    texts = letters.joined(
        len(portfolios),
        (
            *(b',"total_current_value":', worth, b',"total_unrealized_gain":', grown),
            *(b',"total_unrealized_gain_pct":', letters.written(gained)),
            *(b',"total_price_gain":', priced, b',"total_gain":', in_all, b',"total_value":', value),
            *(b',"day_change":', changed, b',"day_change_pct":', letters.written(of_day)),
        ),
    )
    return texts, {number: total_of(portfolios[number]) for number in np.flatnonzero(~found).tolist()}


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


def _rows(book: Book, portfolios: Sequence[Watched], now: datetime, most: int) -> list[bytes]:
    """The rows that are due of each portfolio, no more than ``most``; the others stay due."""
    lines, waiting = book.lines, book.owners["waiting"]
    waiting[[portfolio.at for portfolio in portfolios]] = 0
    of_all = rows_of(portfolios)
    at = of_all[lines["due"][of_all] > 0]
    owners = lines["owner"][at]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    # The place of each among the rows of its portfolio.
    numbers = np.arange(len(at)) - np.repeat(starts, np.diff(starts, append=len(at)))
    if (numbers >= most).any():
        waiting[owners[numbers >= most]] = 1
        at = at[numbers < most]
        owners = lines["owner"][at]
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
    texts = _texts(book, at, lines["due"][at] == WHOLE, now) if len(at) else []
    lines["due"][at] = QUIET
    ends = [*starts[1:].tolist(), len(at)]
    own = {
        owner: b",".join(texts[start:end])
        for owner, start, end in zip(owners[starts].tolist(), starts.tolist(), ends, strict=False)
    }
    return [own.get(portfolio.at, b"") for portfolio in portfolios]


def _texts(book: Book, at: Numbers, whole: Flags, now: datetime) -> list[bytes]:
    """The rows of these lines as JSON."""
    lines, prices = book.lines, book.prices
    stocks = lines["stock"][at]
    price, previous = prices["price"][stocks], prices["previous"][stocks]
    quantity, decimals = lines["quantity"][at], lines["decimals"][at]
    # The nearest that doubles come is near enough to tell what whole numbers of 64 bits hold.
    most = quantity.astype(np.float64) * np.maximum(price, previous)
    alone = (lines["small"][at] == 0) | (price == UNKNOWN) | (most > 2.0**61)
    together = ~alone
    price, previous = np.where(alone, 1, price), np.where(alone, 1, previous)
    value = np.where(alone, 1, quantity) * price
    cost, more = np.where(alone, 1, lines["cost"][at]), lines["more"][at] > 0
    places = lines["places"][at]
    unit = _POWER[decimals + PRICE_PLACES - places]
    gain = value - cost
    part, is_sure = percent_even(gain, cost, more)
    together &= is_sure
    step = np.where(alone, 1, quantity) * (price - previous)
    scale = _POWER[PERCENT_PLACES - places]
    places_of, texts_of = np.unique(stocks, return_inverse=True)
    texts = letters.padded([_price(book.stock_at(one), now) for one in places_of.tolist()])
    found = letters.joined(
        len(at),
        (
            *(b'{"current_value":', letters.written(even(value, unit) * scale)),
            *(b',"unrealized_gain":', letters.written(even(gain, unit, less=more) * scale)),
            *(b',"unrealized_gain_pct":', letters.written(part, cost == 0)),
            *(b',"day_change":', letters.written(even(step, unit) * scale, previous == UNKNOWN)),
            *(b",", texts[texts_of], b"}"),
        ),
    )
    for number in np.flatnonzero(whole | ~together).tolist():
        line = _line(book, int(at[number]))
        found[number] = _row(line, now, whole=bool(whole[number]))
    return found


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
    text = _price(stock, now).decode()
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


def _price(stock: Stock, now: datetime) -> bytes:
    """What every row says of the price of a stock, kept until another price comes."""
    if stock.text:
        return stock.text
    sight, listing = stock.sight, stock.listing
    code = f'"stock_code":{_text(stock.code)}'
    if sight is None or listing is None:
        return f"{code},{_UNPRICED}".encode()
    as_of = moment(sight.as_of)
    # So young it is fresh whether its market is open or not.
    stale = now - as_of > FRESH_FOR and is_stale(listing.calendar, sight.source, as_of, now)
    stock.text = (
        f'{code},"current_price":{written(sight.price, PRICE_PLACES)}'
        f',"as_of":"{timestamp(as_of)}","stale":{"true" if stale else "false"}'
    ).encode()
    return stock.text


@lru_cache(maxsize=32_768)
def _text(text: str) -> str:
    return dumps(text or None).decode()
