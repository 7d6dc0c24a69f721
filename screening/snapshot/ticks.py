"""Following the stream of ticks beside its consumer groups: what every process lays over its snapshot.

No group is joined: each process has to see all of them, and none may hold them up. What was stored before the
place at which reading begins is read from the database, so nothing is missed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import redis

from screening.snapshot.quotes import Quotes
from stocks import stream
from stocks.batch import Batch, gather, newest, sane
from stocks.selectors.prices import SANDBOX
from stocks.types import Tick
from stocks.wire import AS_OF, PLACES, PREVIOUS_CLOSE, PRICE, SEQ, UNKNOWN, VOLUME, BadEntry, Packet, decode
from stocks.wire_text import micros

#: Entries that are taken at once: of the ticks of a stock only the newest costs anything.
AT_ONCE: Final = 2000
#: The group whose work is in the database.
_STORED_BY: Final = "store"
_ONE: Final = 10.0**PLACES
# Whole numbers up to this are doubles, and so is their quotient by _ONE what the decimal is nearest to.
_EXACT: Final = 2**53


def beginning(client: redis.Redis) -> str:
    """Behind which entry to begin: everything up to it is in the database. Raises redis.RedisError."""
    try:
        groups: Any = client.xinfo_groups(stream.STREAM)
    except redis.ResponseError as error:
        if "no such key" not in str(error):
            raise
        return "0"
    for group in groups:
        if group["name"] == _STORED_BY.encode():
            pending: Any = client.xpending(stream.STREAM, _STORED_BY)
            if not pending["pending"]:
                return _text(group["last-delivered-id"])
            return _before(_text(pending["min"]))
    return "0"


def read(client: redis.Redis, last: str, *, block_ms: int) -> tuple[str, list[bytes]]:
    """The payloads behind entry ``last``, and the entry to go on from. Raises redis.RedisError."""
    reply: Any = client.xread({stream.STREAM: last}, count=AT_ONCE, block=block_ms)
    entries = [entry for _, found in reply or () for entry in found]
    if not entries:
        return last, []
    return _text(entries[-1][0]), [fields.get(stream.FIELD, b"") for _, fields in entries]


def batch_of(payloads: Sequence[bytes], now: datetime | None = None) -> Batch:
    """The ticks of these entries that can be true; what cannot be read is left to those who bury it."""
    packets: list[Packet] = []
    for payload in payloads:
        try:
            packets.append(decode(payload))
        except BadEntry:
            continue
    return sane(gather(packets), now or datetime.now(UTC))[0]


def newest_quotes(batch: Batch, places: Mapping[str, int]) -> tuple[npt.NDArray[np.intp], Quotes]:
    """The newest tick of each code that has a place, and these places."""
    columns, odd = newest(batch)
    found = [(places[code], at) for at in columns if (code := batch.codes[batch.code[at]]) in places]
    ticks = [tick for tick in odd if tick.code in places]
    rows = batch.columns[:, [at for _, at in found]]
    sandbox = np.array([source == SANDBOX for source in batch.sources], bool)
    source = batch.source[[at for _, at in found]]
    quotes = Quotes(
        as_of=np.concatenate((rows[AS_OF], _whole([micros(tick.as_of) for tick in ticks]))),
        seq=np.concatenate((rows[SEQ], _whole([tick.seq for tick in ticks]))),
        price=np.concatenate((_prices(rows[PRICE]), _floats([tick.price for tick in ticks]))),
        previous_close=np.concatenate(
            (_prices(rows[PREVIOUS_CLOSE]), _floats([tick.previous_close for tick in ticks]))
        ),
        volume=np.concatenate((_counts(rows[VOLUME]), _floats([tick.volume for tick in ticks]))),
        sandbox=np.concatenate((sandbox[source], np.array(list(map(_is_sandbox, ticks)), bool))),
    )
    positions = [place for place, _ in found] + [places[tick.code] for tick in ticks]
    return np.array(positions, np.intp), quotes


def _prices(units: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    prices = units / _ONE
    for at in np.flatnonzero(units > _EXACT).tolist():
        # Python divides whole numbers of any size correctly.
        prices[at] = int(units[at]) / 10**PLACES
    prices[units == UNKNOWN] = np.nan
    return prices


def _counts(volumes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.where(volumes == UNKNOWN, np.nan, volumes.astype(np.float64))


def _whole(numbers: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(numbers, np.int64)


def _floats(numbers: Sequence[Any]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if number is None else float(number) for number in numbers], np.float64)


def _is_sandbox(tick: Tick) -> bool:
    return tick.source == SANDBOX


def _before(entry_id: str) -> str:
    milliseconds, _, number = entry_id.partition("-")
    if int(number):
        return f"{milliseconds}-{int(number) - 1}"
    return f"{max(int(milliseconds) - 1, 0)}-{2**64 - 1 if int(milliseconds) else 0}"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
