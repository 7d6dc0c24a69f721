"""The loop behind lane_logs.py: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import DATA, OUT, OUT_SIZES, SIZE, SIZES, compiled
from realtime.protocol.putting_compiled import put, put_all, put_end, put_length, put_whole, width_of

#: How often the word of a room is written, and what else of each beside what the call has, at the most.
WORD_TIMES: Final = 5
ROW_ROOM: Final = 400
#: What is written, in this order.
BUNDLE, POSITIONS, VERSIONS, LOGS, PLACES, PAGES = range(6)

_NOUGHT, _ONE, _TWO, _EIGHT = (np.uint64(number) for number in (0, 1, 2, 8))
_SIZE: Final = np.uint64(4)
_BLANK, _FEED, _COMMA, _QUOTE = (np.uint8(ord(sign)) for sign in ' \n,"')
_SEQUENCE: Final = np.frombuffer(b',"sequence":', np.uint8)


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
        *(SIZES, DATA, SIZES, SIZES, DATA, SIZES, SIZES, DATA, SIZES, SIZES),
        *(DATA, DATA, DATA, DATA, DATA, OUT, OUT_SIZES),
    )
)
def tell(  # type: ignore[no-untyped-def]
    sequences,
    words,
    word_starts,
    word_ends,
    fields,
    field_starts,
    field_ends,
    places,
    place_starts,
    place_ends,
    head,
    middle,
    ending,
    version,
    stem,
    out,
    pages,
):
    """Write what makes rows come to pass into ``out``; where each page ends comes into ``pages``.

    ``words`` are the names of rooms as words of commands, ``places`` where the events before stand, and
    ``stem`` is the name of the bundle.
    """
    count = np.uint64(len(sequences))
    names = np.empty(count, np.uint64)
    firsts = np.empty(count + _ONE, np.uint64)
    at = _NOUGHT

    # A bundle, see protocol/bundles.py, of events as Redis keeps them, see protocol/envelope.py.
    for row in range(count):
        firsts[row] = at
        names[row] = _inside(words, word_starts[row])
        at = put_whole(out, at, sequences[row])
        at = put_all(out, at, head)
        at = put(out, at, places, place_starts[row], place_ends[row])
        at = put_all(out, at, middle)
        at = put(out, at, words, names[row], word_ends[row] - _TWO)
        out[at] = _QUOTE
        out[at + _ONE] = _COMMA
        at = put(out, at + _TWO, fields, field_starts[row], field_ends[row])
        at = put_all(out, at, _SEQUENCE)
        at = put_whole(out, at, sequences[row])
        at = put_all(out, at, ending)
    firsts[count] = at
    for row in range(count):
        at = put(out, at, words, names[row], word_ends[row] - _TWO)
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
        at = put(out, at, words, word_starts[row], word_ends[row])
        at = put_length(out, at, width_of(sequences[row]))
        at = put_end(out, put_whole(out, at, sequences[row]))
    pages[POSITIONS] = at

    for row in range(count):
        at = put(out, at, words, word_starts[row], word_ends[row])
        at = put_length(out, at, np.uint64(len(version)))
        at = put_end(out, put_all(out, at, version))
    pages[VERSIONS] = at

    for row in range(count):
        first, last = firsts[row], firsts[row + _ONE] - _ONE
        at = put(out, at, words, word_starts[row], word_ends[row])
        at = put_length(out, at, np.uint64(len(stem)) + _TWO + width_of(first) + width_of(last))
        at = put_end(out, _put_place(out, at, stem, first, last))
    pages[LOGS] = at

    # By row where its event stands, in lines.
    for row in range(count):
        at = _put_place(out, at, stem, firsts[row], firsts[row + _ONE] - _ONE)
        out[at] = _FEED
        at += _ONE
    pages[PLACES] = at
    return at
