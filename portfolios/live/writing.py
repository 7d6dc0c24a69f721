"""What rooms are told of a portfolio: the figures of ``GET /v1/portfolios/{id}`` and the day's change.

Figures are rounded once, from exact sums, as replies are; a tick may write ten thousand messages, so no
Decimal and no dictionary is made on the way.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Final

from portfolios.live.book import Line, Stock, Watched
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
_UNPRICED: Final = (
    '"current_price":null,"current_value":null,"unrealized_gain":null,"unrealized_gain_pct":null,'
    '"day_change":null,"as_of":null,"stale":null'
)


def event(portfolio: Watched, now: datetime) -> bytes:
    """The fields of the next message of a portfolio; the lines in it are no longer pending."""
    return b'{"data":' + data(portfolio, now) + b"}"


def data(portfolio: Watched, now: datetime, *, most: int = MOST_ROWS) -> bytes:
    """The same without what is around it."""
    reason, portfolio.reason = portfolio.reason, ""
    pending = portfolio.pending
    if len(pending) <= most:
        portfolio.pending = {}
        lines = list(pending.items())
    else:
        lines = list(islice(pending.items(), most))
        for line, _ in lines:
            del pending[line]
    rows = ",".join([_row(line, now, whole=whole) for line, whole in lines])
    # What does not follow prices is told when it may have changed.
    state = f",{portfolio.state}" if reason else ""
    return (
        f'{{"reason":"{reason or PRICES}","ledger_sequence":{portfolio.sequence}'
        f',"base_currency":{_text(portfolio.base)}{state},"summary":{{{_summary(portfolio)}}}'
        f',"holdings":[{rows}],"warnings":{_warnings(portfolio)}}}'
    ).encode()


def _summary(portfolio: Watched) -> str:
    places, unit = portfolio.places, _UNIT[portfolio.scale - portfolio.places]
    market, previous, cost = portfolio.market_value(), portfolio.previous_value(), portfolio.cost_now()
    gain = by_price = by_currency = total = value = change = gain_percent = change_percent = None
    if market is not None:
        if portfolio.invested is not None and cost is not None:
            gain = market - portfolio.invested
            gain_percent = percent(gain, portfolio.invested)
            if portfolio.earned is not None:
                total = half_even(gain + portfolio.earned, unit)
            gain = half_even(gain, unit)
            by_price, by_currency = half_even(market - cost, unit), half_even(cost - portfolio.invested, unit)
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
        f',"total_price_gain":{written(by_price, places)}'
        f',"total_currency_gain":{written(by_currency, places)}'
        f',"total_gain":{written(total, places)}'
        f',"total_value":{written(value, places)}'
        f',"day_change":{written(change, places)}'
        f',"day_change_pct":{written(change_percent, PERCENT_PLACES)}'
    )


def _row(line: Line, now: datetime, *, whole: bool) -> str:
    stock = line.stock
    sight, listing = stock.sight, stock.listing
    # Time goes on, and a price that was fresh may be stale when all is told again.
    text = _price(stock, now) if whole or not stock.text else stock.text
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


def _warnings(portfolio: Watched) -> str:
    is_whole = not portfolio.warnings and not any(one.unchanged for one in portfolio.sums.values())
    return "[]" if is_whole else dumps(portfolio.all_warnings()).decode()


def _text(text: str) -> str:
    return dumps(text or None).decode()
