"""``GET /v1/holdings`` as JSON, written at once: by way of Decimals and dicts it takes far longer.

Every figure is worked out in whole numbers from all digits that are stored, and rounded once, half to even.
Quantities and prices are above 0 and costs are not below, as their tables check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from accounts.currencies import decimals_of
from portfolios.maths.whole import (
    COST_PLACES,
    FRACTIONS,
    PERCENT_PLACES,
    PRICE_PLACES,
    QUANTITY_PLACES,
    VALUE_PLACES,
    digits,
)
from portfolios.moments import EPOCH, moment
from portfolios.selectors.default_holdings import HeldRow
from realtime.protocol.encoding import dumps, timestamp
from stocks.selectors.prices import fresh_since
from stocks.sessions import schedule

_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
#: What makes of a cost by a quantity the price of one share, in units of prices.
_TO_PRICE: Final = 10 ** (COST_PLACES - QUANTITY_PLACES - PRICE_PLACES)
_PRICE_WHOLE: Final = 10**PRICE_PLACES
#: Twice what makes of a part of something its percentage.
_TO_PERCENT: Final = 2 * 10 ** (PERCENT_PLACES + 2)
_PERCENT_WHOLE: Final = 10**PERCENT_PLACES
_PERCENT_FRACTIONS: Final = FRACTIONS[PERCENT_PLACES]
_SECOND: Final = 1_000_000
_EVER: Final = -(2**63)


_UNPRICED: Final = '"curr_price":null,"curr_evaluation":null,"pnl":null,"pnl_percentage":null'
_AT_NO_TIME: Final = '"as_of":null,"stale":null'


def held_rows_json(rows: Iterable[HeldRow], *, now: datetime) -> bytes:
    """The body of the reply, byte for byte as ``config.api.json`` writes the same figures."""
    clock = _Clock(now)
    return f"[{','.join([_row(row, clock) for row in rows])}]".encode()


def _row(row: HeldRow, clock: _Clock) -> str:
    code, name, currency, calendar, quantity_text, cost_text, price_text, source, micros, day = row
    quantity, cost = digits(quantity_text, QUANTITY_PLACES), digits(cost_text, COST_PLACES)
    whole, fractions, half_value, value_unit, half_cost, cost_unit = _units(currency)
    # Each figure is rounded here, half to even: to call a function for each takes as long as all the rest.
    # Half of the unit, which is an even number, is added; what then is left over is nothing after a tie.
    average_unit = quantity * _TO_PRICE
    average, rest = divmod(cost + average_unit // 2, average_unit)
    if not rest and average & 1:
        average -= 1
    invested, rest = divmod(cost + half_cost, cost_unit)
    if not rest and invested & 1:
        invested -= 1
    units, part = divmod(invested, whole)
    worth, when, total_invested = _UNPRICED, _AT_NO_TIME, f"{units}{fractions[part]}"
    if price_text is not None and source is not None:
        value = quantity * digits(price_text, PRICE_PLACES)
        gain = value * _TO_COST - cost
        evaluation, rest = divmod(value + half_value, value_unit)
        if not rest and evaluation & 1:
            evaluation -= 1
        # What is below nothing has the digits of what is above it: half to even is the same both ways.
        sign = ""
        if gain < 0:
            gain, sign = -gain, "-"
        profit, rest = divmod(gain + half_cost, cost_unit)
        if not rest and profit & 1:
            profit -= 1
        units, part = divmod(evaluation, whole)
        profit_units, profit_part = divmod(profit, whole)
        worth = (
            f'"curr_price":{_plain(price_text)},"curr_evaluation":{units}{fractions[part]}'
            f',"pnl":{sign if profit else ""}{profit_units}{fractions[profit_part]}'
            f',"pnl_percentage":{_percentage(gain, cost, sign)}'
        )
        if micros is None:
            assert day is not None
            micros = _micros(schedule(calendar).close_of(day))
        when = clock.told(calendar, source, micros)
    units, part = divmod(average, _PRICE_WHOLE)
    return (
        f'{{"stock_symbol":{_text(code)},"company_name":{_text(name)},"quantity":{_plain(quantity_text)}'
        f',"average_price":{_plain(f"{units}.{part:08d}")},{worth},"total_invested":{total_invested}'
        f',"currency":{_text(currency)},{when}}}'
    )


def _percentage(gain: int, cost: int, sign: str) -> str:
    """What is gained, or lost where ``sign`` says so, of a cost."""
    if not cost:
        return "null"
    unit = 2 * cost
    number, rest = divmod(gain * _TO_PERCENT + cost, unit)
    if not rest and number & 1:
        number -= 1
    units, part = divmod(number, _PERCENT_WHOLE)
    return f"{sign if number else ''}{units}{_PERCENT_FRACTIONS[part]}"


class _Clock:
    """When prices were, and whether they are stale at ``now``: most prices share a second."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        #: By calendar and source, the time since which a price is not stale.
        self._since: dict[tuple[str, str], int] = {}
        self._seconds: dict[int, str] = {}

    def told(self, calendar: str, source: str, micros: int) -> str:
        """The two members of a price of that time."""
        since = self._since.get((calendar, source))
        if since is None:
            oldest = fresh_since(calendar, source, self._now)
            since = self._since[calendar, source] = _EVER if oldest is None else _micros(oldest)
        second, rest = divmod(micros, _SECOND)
        text = self._seconds.get(second)
        if text is None:
            # Without its three digits of milliseconds and the Z.
            text = self._seconds[second] = timestamp(moment(second * _SECOND))[:-4]
        stale = "true" if micros < since else "false"
        return f'"as_of":"{text}{rest // 1000:03d}Z","stale":{stale}'


@lru_cache(maxsize=200)
def _units(currency: str) -> tuple[int, Sequence[str], int, int, int, int]:
    """How many of its smallest units a currency has, what each number of them is written as behind the point,
    and half and all of such a unit in units of values and of costs.
    """
    places = decimals_of(currency)
    value_unit, cost_unit = 10 ** (VALUE_PLACES - places), 10 ** (COST_PLACES - places)
    return 10**places, FRACTIONS[places], value_unit // 2, value_unit, cost_unit // 2, cost_unit


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _plain(text: str) -> str:
    """A number with a point as JSON, without trailing zeros."""
    return text.rstrip("0").rstrip(".")


@lru_cache(maxsize=32_768)
def _text(text: str) -> str:
    return dumps(text).decode()
