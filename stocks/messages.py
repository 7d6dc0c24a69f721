"""Prices as the fields of their messages, written from whole numbers: ``folds.price_update``, but faster.

A busy second holds tens of thousands of them, so no Decimal, datetime or mapping is made on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from realtime.protocol.encoding import dumps
from realtime.protocol.letters import Column, Letters, padded, sheet, written
from stocks.batch import Batch, Units
from stocks.wire import AS_OF, PLACES, PREVIOUS_CLOSE, PRICE, UNKNOWN, VOLUME

_ONE = 10**PLACES
_PERCENT_PLACES = 4
# Hundredths of a basis point in one.
_STEPS = 100 * 10**_PERCENT_PLACES
#: Changes up to this can be taken so many times without leaving 64 bits.
_MOST_EXACT = (2**63 - 1) // _STEPS
_COARSE = 10**4
# So few are quicker one by one.
_FEW = 12


def price_updates(batch: Batch, positions: Units, codes: Letters) -> Letters:
    """The JSON of ``folds.price_update`` for the ticks of these columns, without its braces: one or more.

    ``codes`` are the codes of these ticks as JSON.
    """
    columns = batch.columns.take(positions, axis=1)
    price, previous, volume = columns[PRICE], columns[PREVIOUS_CLOSE], columns[VOLUME]
    unknown = previous == UNKNOWN
    change = np.where(unknown, 0, price - previous)
    percent, is_right = _percents(price, previous, change)
    if len(positions) < _FEW or not is_right:
        return padded([_price_update(batch, at) for at in positions.tolist()])
    worth = written(np.array([price, change]), np.array([np.zeros_like(unknown), unknown]), places=PLACES)
    sources = [*map(_json, batch.sources)]
    return sheet(
        len(positions),
        (
            *(
                b'"stock_code":',
                codes,
                b',"data":{"current_price":',
                worth.row(0),
                b',"change_amount":',
                worth.row(1),
            ),
            *(b',"change_percent":', written(percent, unknown, places=_PERCENT_PLACES)),
            *(b',"volume":', written(volume, volume == UNKNOWN, places=0)),
            *(b',"timestamp":"', _times(columns[AS_OF])),
            *(b'Z","source":', _one_of(sources, batch.source[positions]), b"}"),
        ),
    )


def _times(as_of: Units) -> Column:
    """Microseconds since 1970 as ISO 8601 with milliseconds, without the zone."""
    moments = as_of // 1000
    # The ticks of an entry mostly have the same time.
    if (moments == moments[0]).all():
        return str(np.datetime64(int(moments[0]), "ms")).encode()
    moments, which = np.unique(moments, return_inverse=True)
    times = np.datetime_as_string(moments.astype("datetime64[ms]")).astype(np.bytes_)
    return _one_of(times.tolist(), which)


def _one_of(texts: Sequence[bytes], which: Units) -> Column:
    """One of the texts for each row."""
    return texts[0] if len(texts) == 1 else padded(texts).take(which, axis=0)


def _percents(price: Units, previous: Units, change: Units) -> tuple[Units, bool]:
    """What ``change_percent`` writes, in hundredths of a basis point, and whether 64 bits hold all of it."""
    is_right = bool(((previous > 0) | (previous == UNKNOWN)).all())
    size = np.abs(change)
    if size.max(initial=0) > _MOST_EXACT:
        # A change of 92,000 and more has to do with fewer decimals.
        scale = np.where(size <= _MOST_EXACT, 1, _COARSE)
        is_right &= not ((price % scale != 0) | (previous % scale != 0)).any()
        is_right &= bool((size // scale <= _MOST_EXACT).all())
        previous, change = previous // scale, change // scale
    # One that is left with nothing is not right.
    of = np.maximum(previous, 1)
    steps, left = np.divmod(change * _STEPS, of)
    # Less than what it is taken of: twice as much may be too great for a number.
    more = (left > of - left) | ((left == of - left) & (steps % 2 != 0))
    return steps + more, is_right


def _price_update(batch: Batch, at: int) -> bytes:
    """One of them, whatever its numbers."""
    price, previous, volume, as_of = batch.columns[[PRICE, PREVIOUS_CLOSE, VOLUME, AS_OF], at].tolist()
    code, source = _json(batch.codes[batch.code[at]]), _json(batch.sources[batch.source[at]])
    time = np.datetime_as_string(np.datetime64(as_of // 1000, "ms"))
    change = "null" if previous == UNKNOWN else plain(price - previous)
    return b'"stock_code":%b,"data":{%b,"source":%b}' % (
        code,
        (
            f'"current_price":{plain(price)},"change_amount":{change}'
            f',"change_percent":{change_percent(price, previous)}'
            f',"volume":{"null" if volume == UNKNOWN else volume},"timestamp":"{time}Z"'
        ).encode(),
        source,
    )


@lru_cache(maxsize=65_536)
def _json(text: str) -> bytes:
    return dumps(text)


def plain(units: int, places: int = PLACES, one: int = _ONE) -> str:
    """``units`` of 10^-places in plain digits without trailing zeros; ``one`` is 10^places."""
    whole, part = divmod(abs(units), one)
    text = f"{whole}.{part:0{places}d}".rstrip("0") if part else str(whole)
    return f"-{text}" if units < 0 else text


def change_percent(price: int, previous: int) -> str:
    """``(price / previous - 1) × 100`` with 4 decimals, half to even; `null` where that is unknown."""
    if previous == UNKNOWN or not previous:
        return "null"
    steps, left = divmod((price - previous) * _STEPS, previous)
    if 2 * left > previous or (2 * left == previous and steps % 2):
        steps += 1
    return plain(steps, _PERCENT_PLACES, 10**_PERCENT_PLACES)
