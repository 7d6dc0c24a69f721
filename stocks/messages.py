"""Prices as the fields of their messages, written from whole numbers: ``folds.price_update``, but faster.

A busy second holds tens of thousands of them, so no Decimal, datetime or mapping is made on the way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from realtime.protocol.encoding import dumps
from realtime.protocol.letters import Texts, texts
from stocks.batch import Batch, Units
from stocks.wire import AS_OF, PLACES, PREVIOUS_CLOSE, PRICE, UNKNOWN, VOLUME

_ONE = 10**PLACES
_PERCENT_PLACES = 4
# Hundredths of a basis point in one.
_STEPS = 100 * 10**_PERCENT_PLACES


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from stocks import messages_compiled  # noqa: F401


def price_updates(batch: Batch, positions: Units, codes: Texts) -> Texts:
    """The JSON of ``folds.price_update`` for the ticks of these columns, without its braces.

    ``codes`` are the codes of these ticks as JSON.
    """
    # Numba takes a while to import, and most processes write none.
    from stocks import messages_compiled as code

    count = len(positions)
    sources = _sources(tuple(batch.sources))
    out = np.empty(count * (code.ROOM + len(sources.data)) + codes.size(), np.uint8)
    begun, ended = np.empty(count, np.int64), np.empty(count, np.int64)
    is_right = code.write(
        *(np.ascontiguousarray(batch.columns), positions, *codes.sizes(), *sources.sizes(), batch.source),
        *(out, begun.view(np.uint64), ended.view(np.uint64)),
    )
    if is_right:
        return Texts(out, begun, ended)
    return texts([_price_update(batch, at) for at in positions.tolist()])


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


@lru_cache(maxsize=256)
def _sources(names: tuple[str, ...]) -> Texts:
    return texts([*map(_json, names)])


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
