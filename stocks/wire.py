"""How updates travel in the stream of ticks: an entry holds a batch, as rows of whole numbers.

An entry is, one after the other::

    1 byte     the format, 2
    4 bytes    n, how many ticks stand in rows             (both numbers little-endian)
    4 bytes    how many bytes the names take
    n × 72     a tick each, nine signed 64-bit numbers, little-endian: price, as_of, received_at, seq, volume,
               open, high, low, previous_close. Prices count hundred-millionths, times microseconds since
               1970; -2^63 is unknown
    names      UTF-8, a line feed between two: n codes, then n sources, or one where it is that of all
    the rest   nothing, or the JSON of ``stocks.wire_text``: order books, and ticks that no row can hold

Rows of many entries are joined and read at once, so that a tick which a newer one of its batch replaces never
becomes an object. What is not a whole number of hundred-millionths below 2^63 stays a text, to the last
digit. An entry that begins with ``{`` is all text: format 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, InvalidOperation
from struct import Struct
from typing import NamedTuple

from stocks.providers.protocol import Update
from stocks.types import Tick
from stocks.wire_text import BadEntry, decode_text, encode_text, micros, moment

__all__ = ["BadEntry", "Packet", "decode", "encode", "row_tick"]

FORMAT = 2
#: Decimals of a price in a row: those of the columns that store it.
PLACES = 8
#: What stands for None in a row.
UNKNOWN = -(2**63)
#: The order of a row's numbers.
PRICE, AS_OF, RECEIVED_AT, SEQ, VOLUME, OPEN, HIGH, LOW, PREVIOUS_CLOSE = range(9)
WIDTH = 9

_LIMIT = 2**63
_HEAD = Struct("<BII")
_ROW = Struct(f"<{WIDTH}q")
_EXACT = Context(prec=40)


class Packet(NamedTuple):
    """An entry taken apart, its rows still bytes.

    ``sources`` holds one name where all ticks have it, else one for each code.
    """

    codes: list[str]
    sources: list[str]
    rows: bytes
    rest: Update

    def update(self) -> Update:
        """The same as values, the ticks of rows first; raises BadEntry where a time is none."""
        sources = self.sources * len(self.codes) if len(self.sources) == 1 else self.sources
        try:
            ticks = [
                row_tick(code, source, row)
                for code, source, row in zip(self.codes, sources, _ROW.iter_unpack(self.rows), strict=True)
            ]
        except OverflowError as error:
            raise BadEntry(f"OverflowError: {error}") from None
        return Update((*ticks, *self.rest.ticks), self.rest.books)


class _NoRow(Exception):
    """This tick cannot be written as a row."""


def encode(update: Update) -> bytes:
    """The entry of an update; ticks that no row can hold stand behind the others."""
    rows: list[bytes] = []
    codes: list[str] = []
    sources: list[str] = []
    odd: list[Tick] = []
    for tick in update.ticks:
        try:
            rows.append(_row(tick))
        except _NoRow:
            odd.append(tick)
        else:
            codes.append(tick.code)
            sources.append(tick.source)
    if len(set(sources)) == 1:
        del sources[1:]
    names = "\n".join([*codes, *sources]).encode()
    rest = encode_text(Update(tuple(odd), update.books)) if odd or update.books else b""
    return b"".join([_HEAD.pack(FORMAT, len(rows), len(names)), *rows, names, rest])


def decode(payload: bytes) -> Packet:
    """The packet of an entry; raises BadEntry and nothing else.

    Only the form is checked. A number may say what cannot be true: such a tick is refused alone, by the
    folds, and not with the batch it came in.
    """
    if payload[:1] == b"{":
        return Packet([], [], b"", decode_text(payload))
    if len(payload) < _HEAD.size:
        raise BadEntry(f"{len(payload)} bytes are no entry")
    version, count, length = _HEAD.unpack_from(payload)
    if version != FORMAT:
        raise BadEntry(f"format {version} is not known")
    names_at = _HEAD.size + count * _ROW.size
    rest_at = names_at + length
    if rest_at > len(payload):
        raise BadEntry(f"{len(payload)} bytes where {rest_at} were announced")
    try:
        names = payload[names_at:rest_at].decode().split("\n") if length else []
    except UnicodeDecodeError as error:
        raise BadEntry(f"UnicodeDecodeError: {error}") from None
    if len(names) not in ((count + 1, 2 * count) if count else (0,)) or "" in names:
        raise BadEntry(f"{len(names)} names for {count} ticks")
    rest = decode_text(payload[rest_at:]) if rest_at < len(payload) else Update()
    return Packet(names[:count], names[count:], payload[_HEAD.size : names_at], rest)


def row_tick(code: str, source: str, row: Sequence[int]) -> Tick:
    """A row as the tick it was; raises OverflowError for a time beyond the years of ``datetime``."""
    price, as_of, received_at, seq, volume, *others = row
    open_, high, low, previous_close = map(_price_or_none, others)
    return Tick(
        code=code,
        price=price_of(price),
        as_of=moment(as_of),
        received_at=moment(received_at),
        source=source,
        seq=seq,
        volume=None if volume == UNKNOWN else volume,
        open=open_,
        high=high,
        low=low,
        previous_close=previous_close,
    )


def price_of(units: int) -> Decimal:
    """A price of a row as a number."""
    return Decimal(units).scaleb(-PLACES, _EXACT)


def _price_or_none(units: int) -> Decimal | None:
    return None if units == UNKNOWN else price_of(units)


def _row(tick: Tick) -> bytes:
    if not tick.code or not tick.source or "\n" in tick.code or "\n" in tick.source:
        raise _NoRow
    volume = UNKNOWN if tick.volume is None else tick.volume
    if not (-_LIMIT < tick.seq < _LIMIT and (volume == UNKNOWN or -_LIMIT < volume < _LIMIT)):
        raise _NoRow
    return _ROW.pack(
        *(_units(tick.price), micros(tick.as_of), micros(tick.received_at), tick.seq, volume),
        *(
            UNKNOWN if price is None else _units(price)
            for price in (tick.open, tick.high, tick.low, tick.previous_close)
        ),
    )


def _units(price: Decimal) -> int:
    try:
        units = int(price.scaleb(PLACES, _EXACT))
    except (ValueError, OverflowError, InvalidOperation):
        raise _NoRow from None
    if not -_LIMIT < units < _LIMIT or price_of(units) != price:
        raise _NoRow
    return units
