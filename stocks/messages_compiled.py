"""The loop behind messages.py: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import (
    DATA,
    FLAG,
    NUMBER,
    NUMBER_TABLE,
    NUMBERS,
    OUT,
    OUT_SIZES,
    SIZE,
    SIZES,
    compiled,
)
from realtime.protocol.putting_compiled import NULL, put, put_all, put_filled, put_number
from stocks.wire import AS_OF, PLACES, PREVIOUS_CLOSE, PRICE, VOLUME

_PLACES: Final = np.uint64(PLACES)
_PERCENT_PLACES: Final = np.uint64(4)
# Hundredths of a basis point in one.
_STEPS: Final = 100 * 10**4
#: Changes up to this can be taken so many times without leaving 64 bits.
_MOST_EXACT: Final = (2**63 - 1) // _STEPS
_COARSE: Final = 10**4
_DAY: Final = 86_400_000
# Milliseconds to the year 10,000.
_LAST: Final = 253_402_300_800_000
#: What is written of each row at the most, beside its code and source.
ROOM: Final = 400

_CODE, _PRICE, _CHANGE, _PERCENT, _VOLUME, _TIME, _SOURCE = (
    np.frombuffer(text, np.uint8)
    for text in (
        b'"stock_code":',
        b',"data":{"current_price":',
        b',"change_amount":',
        b',"change_percent":',
        b',"volume":',
        b',"timestamp":"',
        b'Z","source":',
    )
)
_NOUGHT, _ONE, _TWO, _THREE, _FOUR = (np.uint64(number) for number in range(5))
_DASH, _T, _COLON, _POINT, _END = (np.uint8(ord(sign)) for sign in "-T:.}")


@compiled(NUMBER(NUMBER, NUMBER))
def _percent(change, previous):  # type: ignore[no-untyped-def]
    """``change`` of ``previous`` in hundredths of a basis point, half to even; NULL if 64 bits do not do."""
    if abs(change) > _MOST_EXACT:
        # A change of 92,000 and more has to do with fewer decimals.
        if change % _COARSE or previous % _COARSE:
            return NULL
        change, previous = change // _COARSE, previous // _COARSE
        if abs(change) > _MOST_EXACT:
            return NULL
    steps = change * _STEPS // previous
    left = change * _STEPS - steps * previous
    # Less than what it is taken of: twice as much may be too great for a number.
    if left > previous - left or (left == previous - left and steps % 2):
        steps += 1
    return steps


@compiled(SIZE(OUT, SIZE, NUMBER))
def _put_time(out, at, moment):  # type: ignore[no-untyped-def]
    """Milliseconds since 1970, of years before 10,000, as ISO 8601 without the zone."""
    days = moment // _DAY
    rest = moment - days * _DAY
    # Years begin in March here, so that a leap day is the last of its year.
    days += 719_468
    era = days // 146_097
    day = days - era * 146_097
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month += 3 if month < 10 else -9
    year += era * 400 + (1 if month <= 2 else 0)
    at = put_filled(out, at, np.uint64(year), _FOUR)
    out[at] = _DASH
    at = put_filled(out, at + _ONE, np.uint64(month), _TWO)
    out[at] = _DASH
    at = put_filled(out, at + _ONE, np.uint64(day + 1), _TWO)
    out[at] = _T
    at = put_filled(out, at + _ONE, np.uint64(rest // 3_600_000), _TWO)
    out[at] = _COLON
    at = put_filled(out, at + _ONE, np.uint64(rest // 60_000 % 60), _TWO)
    out[at] = _COLON
    at = put_filled(out, at + _ONE, np.uint64(rest // 1_000 % 60), _TWO)
    out[at] = _POINT
    return put_filled(out, at + _ONE, np.uint64(rest % 1_000), _THREE)


@compiled(
    FLAG(
        *(NUMBER_TABLE, NUMBERS, DATA, SIZES, SIZES),
        *(DATA, SIZES, SIZES, NUMBERS, OUT, OUT_SIZES, OUT_SIZES),
    )
)
def write(  # type: ignore[no-untyped-def]
    columns,
    positions,
    codes,
    code_starts,
    code_ends,
    sources,
    source_starts,
    source_ends,
    source,
    out,
    begun,
    ended,
):
    """Write the fields of price updates of these columns; False where that takes more than 64 bits.

    Codes are by row; sources by number, which ``source`` says of each column. Where the text of each row
    begins and ends comes into ``begun`` and ``ended``.
    """
    at = _NOUGHT
    for row in range(np.uint64(len(positions))):
        column = positions[row]
        if not (0 <= column < columns.shape[1] and 0 <= source[column] < len(source_starts)):
            raise IndexError("no tick of the batch")
        price, previous = columns[PRICE, column], columns[PREVIOUS_CLOSE, column]
        moment = columns[AS_OF, column] // 1_000
        if not 0 <= moment < _LAST:
            return False
        change = percent = NULL
        if previous != NULL:
            if previous <= 0:
                return False
            change = price - previous
            percent = _percent(change, previous)
            if percent == NULL:
                return False
        begun[row] = at
        at = put_all(out, at, _CODE)
        at = put(out, at, codes, code_starts[row], code_ends[row])
        at = put_number(out, put_all(out, at, _PRICE), price, _PLACES)
        at = put_number(out, put_all(out, at, _CHANGE), change, _PLACES)
        at = put_number(out, put_all(out, at, _PERCENT), percent, _PERCENT_PLACES)
        at = put_number(out, put_all(out, at, _VOLUME), columns[VOLUME, column], _NOUGHT)
        at = _put_time(out, put_all(out, at, _TIME), moment)
        at = put_all(out, at, _SOURCE)
        which = source[column]
        at = put(out, at, sources, source_starts[which], source_ends[which])
        out[at] = _END
        at += _ONE
        ended[row] = at
    return True
