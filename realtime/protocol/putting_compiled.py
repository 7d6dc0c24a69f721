"""Letters put behind each other, for compiled loops: each returns where what it has put ends.

Whether there is room enough is not looked at here.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import DATA, NUMBER, OUT, SIZE, compiled, copy
from realtime.protocol import letters

NULL: Final = np.int64(letters.NULL)

# Whatever is not unsigned here would make floats of what it meets, or be looked at for a sign.
_ONE, _TWO, _TEN, _HUNDRED = (np.uint64(number) for number in (1, 2, 10, 100))
_ZERO: Final = np.uint64(ord("0"))
_MINUS, _POINT, _DOLLAR, _RETURN, _FEED = (np.uint8(ord(sign)) for sign in "-.$\r\n")
_TWO_DIGITS: Final = np.frombuffer("".join(f"{number:02d}" for number in range(100)).encode(), np.uint8)
_POWERS: Final = np.array([10**places for places in range(19)], np.uint64)
_NULL: Final = np.frombuffer(b"null", np.uint8)


@compiled(SIZE(OUT, SIZE, DATA, SIZE, SIZE))
def put(out, at, data, start, end):  # type: ignore[no-untyped-def]
    if start > end or end > np.uint64(len(data)):
        raise ValueError("a text ends outside of its data, or before it begins")
    copy(out, at, data, start, end - start)  # type: ignore[call-arg]
    return at + end - start


@compiled(SIZE(OUT, SIZE, DATA))
def put_all(out, at, text):  # type: ignore[no-untyped-def]
    return put(out, at, text, np.uint64(0), np.uint64(len(text)))


@compiled(SIZE(SIZE))
def width_of(whole):  # type: ignore[no-untyped-def]
    """How many digits a number has."""
    width = _ONE
    while whole >= _TEN:
        whole //= _TEN
        width += _ONE
    return width


@compiled(SIZE(OUT, SIZE, SIZE))
def put_whole(out, at, whole):  # type: ignore[no-untyped-def]
    end = at + width_of(whole)
    place = end
    while whole >= _TEN:
        left = whole // _HUNDRED
        two = (whole - left * _HUNDRED) * _TWO
        place -= _TWO
        out[place] = _TWO_DIGITS[two]
        out[place + _ONE] = _TWO_DIGITS[two + _ONE]
        whole = left
    if place > at:
        out[at] = whole + _ZERO
    return end


@compiled(SIZE(OUT, SIZE, SIZE, SIZE))
def put_filled(out, at, whole, digits):  # type: ignore[no-untyped-def]
    end = at + digits
    place = end
    while place > at:
        place -= _ONE
        left = whole // _TEN
        out[place] = whole - left * _TEN + _ZERO
        whole = left
    return end


@compiled(SIZE(OUT, SIZE, NUMBER, SIZE))
def put_number(out, at, number, places):  # type: ignore[no-untyped-def]
    if number == NULL:
        return put_all(out, at, _NULL)
    whole = np.uint64(number)
    if number < 0:
        out[at] = _MINUS
        at += _ONE
        whole = np.uint64(-number)
    one = _POWERS[places]
    left = whole // one
    part = whole - left * one
    at = put_whole(out, at, left)
    if part > 0:
        out[at] = _POINT
        at = put_filled(out, at + _ONE, part, places)
        while out[at - _ONE] == _ZERO:
            at -= _ONE
    return at


@compiled(SIZE(OUT, SIZE))
def put_end(out, at):  # type: ignore[no-untyped-def]
    """The end of a word, or of its length."""
    out[at] = _RETURN
    out[at + _ONE] = _FEED
    return at + _TWO


@compiled(SIZE(OUT, SIZE, SIZE))
def put_length(out, at, size):  # type: ignore[no-untyped-def]
    """What stands before a word of a command of Redis that is so long."""
    out[at] = _DOLLAR
    return put_end(out, put_whole(out, at + _ONE, size))
