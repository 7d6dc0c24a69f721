"""The loops behind lane_logs.py: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import (
    DATA,
    NUMBER,
    NUMBERS,
    OUT,
    OUT_NUMBERS,
    OUT_SIZES,
    OUT_TABLE,
    SIZE,
    SIZES,
    compiled,
)
from realtime.protocol.putting_compiled import put, put_all, put_end, put_length, put_whole, width_of
from realtime.standing_compiled import goes_on

#: So many letters say at the most where an event stands.
PLACE: Final = 96
#: How often the word of a room is written, and what else of each beside what the call has, at the most.
WORD_TIMES: Final = 5
ROW_ROOM: Final = 400 + 2 * PLACE
#: What is written, in this order.
BUNDLE, POSITIONS, VERSIONS, LOGS, PAGES = range(5)

_NOUGHT, _ONE, _TWO, _EIGHT = (np.uint64(number) for number in (0, 1, 2, 8))
_SIZE: Final = np.uint64(4)
_PLACE: Final = np.uint64(PLACE)
_BLANK, _FEED, _COMMA, _QUOTE = (np.uint8(ord(sign)) for sign in ' \n,"')
_SEQUENCE: Final = np.frombuffer(b',"sequence":', np.uint8)


@compiled(NUMBER(NUMBERS, NUMBER, NUMBER, OUT_NUMBERS, OUT_TABLE, OUT_NUMBERS))
def advance(lines, first, second, positions, reached, kept):  # type: ignore[no-untyped-def]
    """Have logs go on by what they are told in a version; returns how many rows are news.

    ``positions`` and ``reached`` are by line, and go on. Which rows are news comes into ``kept``.
    """
    news = 0
    for row in range(len(lines)):
        if goes_on(lines[row], first, second, positions, reached):
            kept[news] = row
            news += 1
    return news


@compiled(SIZE(DATA, SIZE))
def _inside(words, start):  # type: ignore[no-untyped-def]
    """Where what a word says starts, behind its length."""
    while words[start] != _FEED:
        start += _ONE
    return start + _ONE


@compiled(SIZE(OUT, SIZE, DATA, SIZE, SIZE))
def _put_place(out, at, stem, first, last):  # type: ignore[no-untyped-def]
    at = put_all(out, at, stem)
    out[at] = _BLANK
    at = put_whole(out, at + _ONE, first)
    out[at] = _BLANK
    return put_whole(out, at + _ONE, last)


@compiled(
    SIZE(
        *(SIZES, SIZES, SIZES, DATA, SIZES, SIZES, DATA, SIZES, SIZES),
        *(DATA, DATA, DATA, DATA, DATA, OUT, OUT_SIZES, OUT, OUT_SIZES),
    )
)
def tell(  # type: ignore[no-untyped-def]
    lines,
    kept,
    positions,
    words,
    word_starts,
    word_ends,
    fields,
    field_starts,
    field_ends,
    head,
    middle,
    ending,
    version,
    stem,
    places,
    place_sizes,
    out,
    pages,
):
    """Write what makes rows come to pass into ``out``; where each page ends comes into ``pages``.

    The rows are those of ``kept``, whose logs stand at ``positions`` with them. ``words`` are the names of
    rooms as words of commands; ``places``, PLACE letters of each line, say where the events before stand, and
    then where these do; ``stem`` is the name of their bundle.
    """
    count = np.uint64(len(kept))
    names = np.empty(count, np.uint64)
    firsts = np.empty(count + _ONE, np.uint64)
    at = _NOUGHT

    # A bundle, see protocol/bundles.py, of events as Redis keeps them, see protocol/envelope.py.
    for row in range(count):
        which = kept[row]
        line = lines[which]
        firsts[row] = at
        names[row] = _inside(words, word_starts[line])
        at = put_whole(out, at, positions[line])
        at = put_all(out, at, head)
        at = put(out, at, places, line * _PLACE, line * _PLACE + place_sizes[line])
        at = put_all(out, at, middle)
        at = put(out, at, words, names[row], word_ends[line] - _TWO)
        out[at] = _QUOTE
        out[at + _ONE] = _COMMA
        at = put(out, at + _TWO, fields, field_starts[which], field_ends[which])
        at = put_all(out, at, _SEQUENCE)
        at = put_whole(out, at, positions[line])
        at = put_all(out, at, ending)
    firsts[count] = at
    for row in range(count):
        at = put(out, at, words, names[row], word_ends[lines[kept[row]]] - _TWO)
        out[at] = _FEED
        at += _ONE
    for row in range(count):
        at = put_whole(out, at, firsts[row + _ONE] - firsts[row])
        out[at] = _FEED
        at += _ONE
    size = at - firsts[count]
    for byte in range(_SIZE):
        out[at + byte] = size >> (_EIGHT * (_SIZE - _ONE - byte))
    at += _SIZE
    pages[BUNDLE] = at

    for row in range(count):
        line = lines[kept[row]]
        at = put(out, at, words, word_starts[line], word_ends[line])
        at = put_length(out, at, width_of(positions[line]))
        at = put_end(out, put_whole(out, at, positions[line]))
    pages[POSITIONS] = at

    for row in range(count):
        line = lines[kept[row]]
        at = put(out, at, words, word_starts[line], word_ends[line])
        at = put_length(out, at, np.uint64(len(version)))
        at = put_end(out, put_all(out, at, version))
    pages[VERSIONS] = at

    for row in range(count):
        line = lines[kept[row]]
        begin = line * _PLACE
        end = _put_place(places, begin, stem, firsts[row], firsts[row + _ONE] - _ONE)
        place_sizes[line] = end - begin
        at = put(out, at, words, word_starts[line], word_ends[line])
        at = put_length(out, at, end - begin)
        at = put_end(out, put(out, at, places, begin, end))
    pages[LOGS] = at
    return at
