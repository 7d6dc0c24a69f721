"""``GET /v1/holdings`` as JSON, written at once: by way of Decimals and dicts it takes far longer.

Every figure is worked out in whole numbers from all digits that are stored, and rounded once, half to even.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from accounts.currencies import decimals_of
from portfolios.maths.whole import (
    COST_PLACES,
    PERCENT_PLACES,
    PRICE_PLACES,
    QUANTITY_PLACES,
    VALUE_PLACES,
    digits,
    half_even,
    percent,
    written,
)
from portfolios.moments import EPOCH, moment
from portfolios.selectors.default_holdings import HeldRow
from realtime.protocol.encoding import dumps, timestamp
from stocks.selectors.prices import fresh_since
from stocks.sessions import schedule

_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
#: What makes of a cost by a quantity the price of one share, in units of prices.
_TO_PRICE: Final = 10 ** (COST_PLACES - QUANTITY_PLACES - PRICE_PLACES)
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
    places, value_unit, cost_unit = _units(currency)
    average = written(half_even(cost, quantity * _TO_PRICE), PRICE_PLACES)
    worth, when = _UNPRICED, _AT_NO_TIME
    if price_text is not None and source is not None:
        value = quantity * digits(price_text, PRICE_PLACES)
        gain = value * _TO_COST - cost
        worth = (
            f'"curr_price":{_plain(price_text)}'
            f',"curr_evaluation":{written(half_even(value, value_unit), places)}'
            f',"pnl":{written(half_even(gain, cost_unit), places)}'
            f',"pnl_percentage":{written(percent(gain, cost), PERCENT_PLACES)}'
        )
        if micros is None:
            assert day is not None
            micros = _micros(schedule(calendar).close_of(day))
        when = clock.told(calendar, source, micros)
    return (
        f'{{"stock_symbol":{_text(code)},"company_name":{_text(name)},"quantity":{_plain(quantity_text)}'
        f',"average_price":{average},{worth},"total_invested":{written(half_even(cost, cost_unit), places)}'
        f',"currency":{_text(currency)},{when}}}'
    )


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
def _units(currency: str) -> tuple[int, int, int]:
    """The decimals of a currency, and its smallest unit in units of values and of costs."""
    places = decimals_of(currency)
    return places, 10 ** (VALUE_PLACES - places), 10 ** (COST_PLACES - places)


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _plain(text: str) -> str:
    """A number with a point as JSON, without trailing zeros."""
    return text.rstrip("0").rstrip(".")


@lru_cache(maxsize=32_768)
def _text(text: str) -> str:
    return dumps(text).decode()
