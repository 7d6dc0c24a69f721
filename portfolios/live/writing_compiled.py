"""The loops behind writing.py: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import types

from portfolios.live.book import MOVED, QUIET, SPARE, WHOLE
from portfolios.live.parts_compiled import PARTS, carried, is_sure, minus, plus
from portfolios.live.worth import MOST_UPPER, ROUGH, UNFOUND, UNKNOWN
from portfolios.maths.rounding_compiled import even, percent_even
from portfolios.maths.whole import PERCENT_PLACES, PRICE_PLACES
from realtime.compiling import (
    DATA,
    FLAG,
    NUMBER,
    NUMBER_TABLE,
    NUMBERS,
    OUT,
    OUT_NUMBERS,
    OUT_SIZES,
    SIZE,
    SIZES,
    compiled,
)
from realtime.protocol.putting_compiled import NULL, put, put_all, put_number

#: The columns of owners that ``write`` takes, in this order.
OWNERS: Final = (
    *("small", "places", "market", "market_part", "market_unsure", "market_upper"),
    *("previous", "previous_part", "previous_unsure", "previous_upper"),
    *("invested", "invested_part", "invested_rough", "cost_now", "cost_now_part", "cost_now_rough"),
    *("earned", "earned_part", "earned_rough", "cash", "cash_part", "cash_rough"),
)
#: And of lines.
LINES: Final = ("quantity", "decimals", "cost", "more", "places")
_SMALL, _PLACES, _MARKET = 0, 1, 2
_PREVIOUS, _INVESTED, _COST, _EARNED, _CASH = 6, 10, 13, 16, 19
#: What is written of a portfolio, and of a row, at the most, beside texts that the call has.
SUMMARY_ROOM: Final = 600
ROW_ROOM: Final = 250
#: Of a portfolio that is not written here.
ALONE: Final = -1
# The nearest that doubles come is near enough to tell what whole numbers of 64 bits hold.
_MOST: Final = 2.0**61

_SUMMARY_NAMES = (
    *(b',"total_current_value":', b',"total_unrealized_gain":', b',"total_unrealized_gain_pct":'),
    *(b',"total_price_gain":', b',"total_gain":', b',"total_value":'),
    *(b',"day_change":', b',"day_change_pct":'),
)
_ROW_NAMES = (
    *(b'{"current_value":', b',"unrealized_gain":', b',"unrealized_gain_pct":', b',"day_change":'),
    *(b'},"holdings":[',),
)
_WORTH, _GROWN, _GROWN_PERCENT, _PRICED, _GAINED, _VALUE, _CHANGED, _CHANGED_PERCENT = (
    np.frombuffer(name, np.uint8) for name in _SUMMARY_NAMES
)
_ROW_WORTH, _ROW_GAINED, _ROW_PERCENT, _ROW_DAY, _HOLDINGS = (
    np.frombuffer(name, np.uint8) for name in _ROW_NAMES
)
_UNIT: Final = 10**SPARE
_POWERS: Final = np.array([10**places for places in range(19)], np.int64)
_PERCENT_PLACES: Final = np.uint64(PERCENT_PLACES)
_ONE: Final = np.uint64(1)
_COMMA, _END = (np.uint8(ord(sign)) for sign in ",}")


@compiled(
    types.UniTuple(NUMBER, 2)(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, OUT_NUMBERS, OUT_NUMBERS)
)
def unwritten(firsts, counts, stock, due, price, written, seen, found):  # type: ignore[no-untyped-def]
    """How many lines of portfolios are due, and of how many stocks with a price the texts are not written.

    These come into ``found``, each once; ``seen`` is 0 by stock.
    """
    lines = new = 0
    for owner in range(len(firsts)):
        for line in range(firsts[owner], firsts[owner] + counts[owner]):
            if due[line] == QUIET:
                continue
            lines += 1
            which = stock[line]
            if due[line] == MOVED and written[which] == 0 and seen[which] == 0 and price[which] != UNKNOWN:
                seen[which] = 1
                found[new] = which
                new += 1
    return lines, new


@compiled(SIZE(OUT, SIZE, DATA, PARTS, SIZE))
def _put_sum(out, at, name, number, places):  # type: ignore[no-untyped-def]
    # It is more by less than one where it has parts: a tie is none then.
    at = put_all(out, at, name)
    return put_number(out, at, even(number[0], _UNIT, False, number[1] > 0), places)


@compiled(types.Tuple((SIZE, FLAG))(OUT, SIZE, NUMBER_TABLE, NUMBER))
def _put_summary(out, at, owners, owner):  # type: ignore[no-untyped-def]
    """The summary of a portfolio from its figures on, and whether it is certain; else it means nothing."""
    if owners[_SMALL, owner] == 0:
        return at, False
    for sums in (_MARKET, _PREVIOUS):
        # A sum that has gone beyond 64 bits is known by its upper ones.
        if owners[sums + 2, owner] >= UNFOUND or owners[sums + 3, owner] >= MOST_UPPER:
            return at, False
    market = carried(owners[_MARKET, owner], owners[_MARKET + 1, owner], owners[_MARKET + 2, owner] & ROUGH)
    previous = carried(
        owners[_PREVIOUS, owner], owners[_PREVIOUS + 1, owner], owners[_PREVIOUS + 2, owner] & ROUGH
    )
    invested = (owners[_INVESTED, owner], owners[_INVESTED + 1, owner], owners[_INVESTED + 2, owner])
    cost = (owners[_COST, owner], owners[_COST + 1, owner], owners[_COST + 2, owner])
    earned = (owners[_EARNED, owner], owners[_EARNED + 1, owner], owners[_EARNED + 2, owner])
    cash = (owners[_CASH, owner], owners[_CASH + 1, owner], owners[_CASH + 2, owner])
    gain, change = minus(market, invested), minus(market, previous)
    priced, in_all, value = minus(market, cost), plus(gain, earned), plus(market, cash)
    any_part = False
    for one in (market, gain, priced, in_all, value, change, invested, previous):
        if not is_sure(one):
            return at, False
        any_part |= one[1] > 0
    if invested[0] == 0 or previous[0] == 0:
        return at, False
    gained, is_certain = percent_even(gain[0], invested[0], any_part)
    of_day, is_certain_too = percent_even(change[0], previous[0], any_part)
    if not (is_certain and is_certain_too):
        return at, False
    places = np.uint64(owners[_PLACES, owner])
    at = _put_sum(out, at, _WORTH, market, places)
    at = _put_sum(out, at, _GROWN, gain, places)
    at = put_number(out, put_all(out, at, _GROWN_PERCENT), gained, _PERCENT_PLACES)
    at = _put_sum(out, at, _PRICED, priced, places)
    at = _put_sum(out, at, _GAINED, in_all, places)
    at = _put_sum(out, at, _VALUE, value, places)
    at = _put_sum(out, at, _CHANGED, change, places)
    at = put_number(out, put_all(out, at, _CHANGED_PERCENT), of_day, _PERCENT_PLACES)
    return at, True


@compiled(
    types.Tuple((SIZE, FLAG))(
        *(OUT, SIZE, NUMBER, NUMBER, NUMBER, NUMBER, FLAG, NUMBER, NUMBER, DATA, SIZE, SIZE),
    )
)
def _put_row(out, at, quantity, decimals, places, cost, more, price, previous, texts, start, end):  # type: ignore[no-untyped-def]
    """The row of a line whose price is known, and whether it is certain; else it means nothing."""
    if np.float64(quantity) * np.float64(max(price, previous)) > _MOST:
        return at, False
    value = quantity * price
    gain = value - cost
    percentage, is_certain = percent_even(gain, cost, more)
    if cost == 0 and not more:
        percentage = NULL
    elif not is_certain:
        return at, False
    unit, figures = _POWERS[decimals + PRICE_PLACES - places], np.uint64(places)
    at = put_number(out, put_all(out, at, _ROW_WORTH), even(value, unit, False, False), figures)
    at = put_number(out, put_all(out, at, _ROW_GAINED), even(gain, unit, more, False), figures)
    at = put_number(out, put_all(out, at, _ROW_PERCENT), percentage, _PERCENT_PLACES)
    of_day = NULL
    if previous != UNKNOWN:
        of_day = even(quantity * (price - previous), unit, False, False)
    at = put_number(out, put_all(out, at, _ROW_DAY), of_day, figures)
    out[at] = _COMMA
    at = put(out, at + _ONE, texts, start, end)
    out[at] = _END
    return at + _ONE, True


@compiled(
    SIZE(
        *(NUMBER_TABLE, NUMBERS, NUMBERS, NUMBERS, OUT_NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
        *(NUMBERS, NUMBERS, NUMBERS, NUMBERS, DATA, SIZES, SIZES, DATA, SIZES, SIZES, DATA, SIZES, SIZES),
        *(NUMBER, OUT, OUT_SIZES, OUT_SIZES, OUT_NUMBERS),
    )
)
def write(  # type: ignore[no-untyped-def]
    owners,
    firsts,
    counts,
    stock,
    due,
    small,
    quantity,
    decimals,
    cost,
    more,
    places,
    price,
    previous,
    texts,
    text_starts,
    text_ends,
    heads,
    head_starts,
    head_ends,
    tails,
    tail_starts,
    tail_ends,
    most,
    out,
    begun,
    ended,
    waiting,
):
    """Write messages of portfolios into ``out``; where each begins and ends comes into ``begun``, ``ended``.

    Their heads and tails are given, and what rows say of the price of each stock. Lines that are written are
    due no more; ``most`` are at the most, and whether others are left comes into ``waiting``. That is ALONE
    where one of the lines or the summary cannot be worked out here: nothing is done then. Returns where the
    last message ends.
    """
    at = np.uint64(0)
    for owner in range(len(firsts)):
        begun[owner] = at
        waiting[owner] = ALONE
        at = put(out, at, heads, head_starts[owner], head_ends[owner])
        at, is_certain = _put_summary(out, at, owners, owner)
        at = put_all(out, at, _HOLDINGS)
        line, end, rows = firsts[owner], firsts[owner] + counts[owner], 0
        while is_certain and line < end and rows < most:
            if due[line] != QUIET:
                which = stock[line]
                if due[line] == WHOLE or small[line] == 0 or price[which] == UNKNOWN:
                    is_certain = False
                    break
                if rows:
                    out[at] = _COMMA
                    at += _ONE
                at, is_certain = _put_row(
                    out,
                    at,
                    quantity[line],
                    decimals[line],
                    places[line],
                    cost[line],
                    more[line] > 0,
                    price[which],
                    previous[which],
                    texts,
                    text_starts[which],
                    text_ends[which],
                )
                rows += 1
            line += 1
        if not is_certain:
            at = ended[owner] = begun[owner]
            continue
        at = put(out, at, tails, tail_starts[owner], tail_ends[owner])
        ended[owner] = at
        for told in range(firsts[owner], line):
            due[told] = QUIET
        waiting[owner] = 0
        while line < end:
            if due[line] != QUIET:
                waiting[owner] = 1
            line += 1
    return at
