"""What rooms are told of a portfolio: the figures of ``GET /v1/portfolios/{id}`` and the day's change.

Figures are rounded once, from exact sums, as replies are. A tick may write ten thousand messages, so what is
alike in all of them is worked out for all at once, in whole numbers; what those cannot hold is worked out one
by one, by Python's, which have no bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from portfolios.live.book import QUIET, SPARE, UNKNOWN, WHOLE, Book, Line, Stock, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.live.sums import Totals, rows_of, totals
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
_FOURTH: Final = 10**PERCENT_PLACES
_MOST_UNITS: Final = 2**62
_NOTHING: Final = (0,) * 8
_EXACT: Final = (False,) * 6
#: What stands behind the whole part, by ten-thousandths.
_FRACTION: Final = ["", *(f".{part:04d}".rstrip("0") for part in range(1, _FOURTH))]
_UNPRICED: Final = (
    '"current_price":null,"current_value":null,"unrealized_gain":null,"unrealized_gain_pct":null,'
    '"day_change":null,"as_of":null,"stale":null'
)


def data(book: Book, portfolios: Sequence[Watched], now: datetime, *, most: int = MOST_ROWS) -> list[bytes]:
    """What the next message of each portfolio says, as JSON; what is in it is not due any more."""
    rows = _rows(book, portfolios, now, most)
    sums = totals(book, portfolios)
    found: list[bytes] = []
    for portfolio, own, summary, previous in zip(
        portfolios, rows, _summaries(portfolios, sums), sums.previous, strict=True
    ):
        reason, state = PRICES, ""
        if portfolio.reason:
            # What does not follow prices is told when it may have changed.
            reason, state = portfolio.reason, f",{portfolio.state}"
            portfolio.reason = ""
        warnings = "[]"
        if portfolio.warnings or previous is None:
            warnings = dumps(portfolio.all_warnings()).decode()
        found.append(
            (
                f'{{"reason":"{reason}","ledger_sequence":{portfolio.sequence}'
                f',"base_currency":{_text(portfolio.base)}{state},"summary":{{{summary}}}'
                f',"holdings":[{own}],"warnings":{warnings}}}'
            ).encode()
        )
    return found


def _summaries(portfolios: Sequence[Watched], sums: Totals) -> list[str]:
    """The summaries of portfolios as members of JSON objects, in their order."""
    # Sums have up to fifty decimals; a few more than are written, and whether there is more, decide as well.
    figures: list[tuple[int, ...]] = []
    more: list[tuple[bool, ...]] = []
    alone: list[int] = []
    for portfolio, market, previous in zip(portfolios, sums.market, sums.previous, strict=True):
        invested, cash, paid = portfolio.invested, portfolio.cash, portfolio.paid
        cost, earned = portfolio.cost_now, portfolio.earned
        if (
            market is None
            or previous is None
            or invested is None
            or paid is None
            or cost is None
            or earned is None
            or cash is None
        ):
            alone.append(len(figures))
            figures.append(_NOTHING)
            more.append(_EXACT)
            continue
        unit = portfolio.unit
        shares, rest = divmod(market, unit)
        gain, gain_rest = divmod(market - invested, unit)
        change, change_rest = divmod(market - previous, unit)
        by_price, price_rest = divmod(market - cost, unit)
        total, total_rest = divmod(market - invested + earned, unit) if earned else (gain, gain_rest)
        value, value_rest = divmod(market + cash, unit) if cash else (shares, rest)
        if max(shares, paid, shares - change, abs(value), abs(by_price), abs(total)) >= _MOST_UNITS:
            alone.append(len(figures))
            figures.append(_NOTHING)
            more.append(_EXACT)
            continue
        figures.append((shares, gain, change, value, by_price, total, paid, previous // unit))
        rests = (rest, gain_rest, change_rest, value_rest, price_rest, total_rest)
        more.append(tuple(one > 0 for one in rests))
    columns = np.array(figures, np.int64).T
    above = np.array(more, np.bool_).T
    scale = _POWER[PERCENT_PLACES - np.array([portfolio.places for portfolio in portfolios])]
    spare = np.full(len(figures), 10**SPARE, np.int64)
    _, gain_, change_, *_, paid_, was_ = columns
    # Each is more by less than one where there are more digits: a tie is none then.
    market_, grown, changed, worth, priced, in_all = (
        even(one, spare, more=past) for one, past in zip(columns, above, strict=False)
    )
    any_above: Flags = np.logical_or.reduce(above)
    part, is_sure = percent_even(gain_, paid_, any_above)
    day_part, is_sure_too = percent_even(change_, was_, any_above)
    written_out = [
        _Figure.of(market_ * scale),
        _Figure.of(grown * scale),
        _Figure.of(part),
        _Figure.of(priced * scale),
        _Figure.of(in_all * scale),
        _Figure.of(worth * scale),
        _Figure.of(changed * scale),
        _Figure.of(day_part),
    ]
    fraction = _FRACTION
    found = [
        f'{portfolio.fixed},"total_current_value":{m}{fraction[a]},"total_unrealized_gain":{g}{fraction[b]}'
        f',"total_unrealized_gain_pct":{p}{fraction[c]},"total_price_gain":{r}{fraction[i]}'
        f'{portfolio.by_currency},"total_gain":{t}{fraction[j]},"total_value":{v}{fraction[d]}'
        f',"day_change":{h}{fraction[e]},"day_change_pct":{q}{fraction[f]}'
        for portfolio, m, a, g, b, p, c, r, i, t, j, v, d, h, e, q, f in zip(
            portfolios, *(numbers for figure in written_out for numbers in figure), strict=True
        )
    ]
    unsure = np.flatnonzero(~(is_sure & is_sure_too) | (paid_ == 0) | (was_ == 0)).tolist()
    for number in {*alone, *unsure}:
        found[number] = _summary(portfolios[number], sums.market[number], sums.previous[number])
    return found


def _summary(portfolio: Watched, market: int | None, previous: int | None) -> str:
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
        f'{portfolio.fixed},"total_current_value":{written(market, places)}'
        f',"total_unrealized_gain":{written(gain, places)}'
        f',"total_unrealized_gain_pct":{written(gain_percent, PERCENT_PLACES)}'
        f',"total_price_gain":{written(by_price, places)}{by_currency}'
        f',"total_gain":{written(total, places)}'
        f',"total_value":{written(value, places)}'
        f',"day_change":{written(change, places)}'
        f',"day_change_pct":{written(change_percent, PERCENT_PLACES)}'
    )


# --- Rows ---


def _rows(book: Book, portfolios: Sequence[Watched], now: datetime, most: int) -> list[str]:
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
        owner: ",".join(texts[start:end])
        for owner, start, end in zip(owners[starts].tolist(), starts.tolist(), ends, strict=False)
    }
    return [own.get(portfolio.at, "") for portfolio in portfolios]


def _texts(book: Book, at: Numbers, whole: Flags, now: datetime) -> list[str]:
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
    figures = [
        _Figure.of(even(value, unit) * scale),
        _Figure.of(even(gain, unit, less=more) * scale),
        _Figure.of(part, null=cost == 0),
        _Figure.of(even(step, unit) * scale, null=previous == UNKNOWN),
    ]
    places_of, texts_of = np.unique(stocks, return_inverse=True)
    texts = [_price(book.stock_at(one), now) for one in places_of.tolist()]
    fraction = _FRACTION
    found = [
        f'{{"current_value":{v}{fraction[w]},"unrealized_gain":{g}{fraction[h]}'
        f',"unrealized_gain_pct":{p}{fraction[q]},"day_change":{d}{fraction[e]},{texts[text]}}}'
        for v, w, g, h, p, q, d, e, text in zip(
            *(numbers for figure in figures for numbers in figure), texts_of.tolist(), strict=True
        )
    ]
    for number in np.flatnonzero(whole | ~together).tolist():
        line = _line(book, int(at[number]))
        found[number] = _row(line, now, whole=bool(whole[number]))
    return found


class _Figure(NamedTuple):
    """Numbers in two parts: what stands before the point, and the ten-thousandths behind it."""

    wholes: list[int | str]
    fractions: list[int]

    @classmethod
    def of(cls, numbers: Numbers, null: Flags | None = None) -> _Figure:
        """Of ten-thousandths; ``null`` says which are unknown."""
        whole, part = np.divmod(np.abs(numbers), _FOURTH)
        wholes: list[int | str] = np.where(numbers < 0, -whole, whole).tolist()
        # A whole number has no -0.
        for at in np.flatnonzero((numbers < 0) & (whole == 0)).tolist():
            wholes[at] = "-0"
        if null is not None and null.any():
            part = np.where(null, 0, part)
            for at in np.flatnonzero(null).tolist():
                wholes[at] = "null"
        return cls(wholes, part.tolist())


def _line(book: Book, row: int) -> Line:
    portfolio = book.by_place[int(book.lines["owner"][row])]
    return portfolio.lines[row - portfolio.first]


def _row(line: Line, now: datetime, *, whole: bool) -> str:
    """One row, whatever its numbers."""
    stock = line.stock
    sight, listing = stock.sight, stock.listing
    if whole:
        # Time goes on, and a price that was fresh may be stale when all is told again.
        stock.text = ""
    text = _price(stock, now)
    head = f"{{{line.fixed}," if whole else "{"
    if sight is None or listing is None:
        return f"{head}{text}}}"
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
    )


def _price(stock: Stock, now: datetime) -> str:
    """What every row says of the price of a stock, kept until another price comes."""
    if stock.text:
        return stock.text
    sight, listing = stock.sight, stock.listing
    code = f'"stock_code":{_text(stock.code)}'
    if sight is None or listing is None:
        return f"{code},{_UNPRICED}"
    as_of = moment(sight.as_of)
    # So young it is fresh whether its market is open or not.
    stale = now - as_of > FRESH_FOR and is_stale(listing.calendar, sight.source, as_of, now)
    stock.text = (
        f'{code},"current_price":{written(sight.price, PRICE_PLACES)}'
        f',"as_of":"{timestamp(as_of)}","stale":{"true" if stale else "false"}'
    )
    return stock.text


@lru_cache(maxsize=32_768)
def _text(text: str) -> str:
    return dumps(text or None).decode()
