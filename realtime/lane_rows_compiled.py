"""The loops behind lane_rows.py: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np

from realtime.compiling import (
    DATA,
    NUMBER,
    NUMBER_TABLE,
    NUMBERS,
    OUT,
    OUT_NUMBERS,
    OUT_SIZES,
    OUT_TABLE,
    SIZE,
    SIZE_TABLE,
    SIZES,
    compiled,
)
from realtime.protocol.putting_compiled import (
    put,
    put_all,
    put_end,
    put_filled,
    put_length,
    put_whole,
    width_of,
)
from realtime.roster import DIGITS, KEY_LINES, NAME, NAME_LINES, WORD, WRITTEN
from realtime.standing_compiled import goes_on

#: How often the fields of a row are written.
FIELD_TIMES: Final = 2
#: What else is written of each row, and of each room of many, beside what roster and call have, at the most.
ROW_ROOM: Final = 300
CELL_ROOM: Final = 100
#: What is written, in this order.
POSITIONS, VERSIONS, NEWEST, BUNDLE, MEMBERS, PAGES = range(6)

_DIGITS: Final = np.uint64(DIGITS)
_NOUGHT, _ONE, _TWO = (np.uint64(number) for number in range(3))
_BLANK, _FEED, _COMMA, _FIRST_DIGIT = (np.uint8(ord(sign)) for sign in " \n,1")
_SEQUENCE: Final = np.frombuffer(b',"sequence":', np.uint8)


@compiled(
    NUMBER(
        *(NUMBERS, NUMBER_TABLE, NUMBER_TABLE, OUT_NUMBERS, OUT_TABLE, OUT_NUMBERS),
        *(OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS),
    )
)
def advance(lines, versions, others, positions, reached, many, kept, firsts, sequences, counts, cells):  # type: ignore[no-untyped-def]
    """Have rooms go on by what they are told; returns how many rows are news.

    ``positions`` and ``reached`` are by line, ``many`` by room, and go on. Which rows are news comes into
    ``kept``, where their own rooms stand then into ``firsts``, those of many by row and place into
    ``sequences``; into ``counts`` how often each room of many is told something, and into ``cells`` which of
    ``sequences`` these are, room after room. Room 0 is none.
    """
    width = others.shape[1]
    news = 0
    for row in range(len(lines)):
        line = lines[row]
        if not 0 <= line < len(positions):
            raise IndexError("no line of the roster")
        if not goes_on(line, versions[0, row], versions[1, row], positions, reached):
            continue
        kept[news], firsts[news] = row, positions[line]
        for place in range(width):
            room = others[line, place]
            if room:
                many[room] += 1
                counts[room] += 1
            sequences[news * width + place] = many[room]
        news += 1
    begins = np.empty(len(counts), np.int64)
    begin = 0
    for room in range(len(counts)):
        begins[room] = begin
        begin += counts[room]
    for row in range(news):
        for place in range(width):
            room = others[lines[kept[row]], place]
            if room:
                cells[begins[room]] = row * width + place
                begins[room] += 1
    return news


@compiled(SIZE(OUT, SIZE, DATA, SIZE_TABLE, SIZE_TABLE, SIZE, SIZE))
def _put_own(out, at, words, starts, ends, column, line):  # type: ignore[no-untyped-def]
    return put(out, at, words, starts[column, line], ends[column, line])


@compiled(SIZE(OUT, SIZE, SIZE))
def _put_line(out, at, number):  # type: ignore[no-untyped-def]
    at = put_whole(out, at, number)
    out[at] = _FEED
    return at + _ONE


@compiled(
    SIZE(
        *(SIZES, SIZES, SIZE_TABLE, SIZES, SIZES, SIZES, DATA, SIZE_TABLE, SIZE_TABLE, SIZES, SIZES),
        *(DATA, SIZES, SIZES, DATA, DATA, DATA, OUT, OUT_SIZES, OUT_SIZES),
    )
)
def tell(  # type: ignore[no-untyped-def]
    lines,
    kept,
    versions,
    firsts,
    sequences,
    cells,
    words,
    starts,
    ends,
    key_starts,
    key_ends,
    fields,
    field_starts,
    field_ends,
    kind,
    head,
    ending,
    out,
    pages,
    cell_ends,
):
    """Write what makes rows come to pass into ``out``; where each page ends comes into ``pages``.

    The rows are those of ``kept``; ``firsts``, ``sequences`` and ``cells`` are as ``advance`` leaves them.
    ``words`` are those of a roster, by column and line, and its keys by line and place. Where each of
    ``cells`` ends within its page comes into ``cell_ends``.
    """
    count, width = np.uint64(len(kept)), np.uint64(len(sequences) // max(len(kept), 1))
    at = _NOUGHT

    for row in range(count):
        at = _put_own(out, at, words, starts, ends, WORD, lines[kept[row]])
        at = put_length(out, at, width_of(firsts[row]))
        at = put_end(out, put_whole(out, at, firsts[row]))
    pages[POSITIONS] = at

    for row in range(count):
        at = _put_own(out, at, words, starts, ends, WORD, lines[kept[row]])
        at = put_length(out, at, _TWO * (_ONE + _DIGITS))
        for part in range(2):
            out[at] = _FIRST_DIGIT
            at = put_filled(out, at + _ONE, versions[part, kept[row]], _DIGITS)
        at = put_end(out, at)
    pages[VERSIONS] = at

    # Events as Redis keeps them, see protocol/envelope.py.
    common = np.uint64(len(head) + len(_SEQUENCE) + len(ending))
    for row in range(count):
        which, line = kept[row], lines[kept[row]]
        at = _put_own(out, at, words, starts, ends, WORD, line)
        size = _TWO * width_of(firsts[row]) + ends[WRITTEN, line] - starts[WRITTEN, line]
        size += _ONE + field_ends[which] - field_starts[which] + common
        at = put_length(out, at, size)
        at = put_whole(out, at, firsts[row])
        at = put_all(out, at, head)
        at = _put_own(out, at, words, starts, ends, WRITTEN, line)
        out[at] = _COMMA
        at = put(out, at + _ONE, fields, field_starts[which], field_ends[which])
        at = put_all(out, at, _SEQUENCE)
        at = put_whole(out, at, firsts[row])
        at = put_end(out, put_all(out, at, ending))
    pages[NEWEST] = at

    # Columns, see protocol/bundles.py.
    for _ in range(count):
        at = put_all(out, at, kind)
        out[at] = _FEED
        at += _ONE
    for row in range(count):
        out[at] = _COMMA
        at = put(out, at + _ONE, fields, field_starts[kept[row]], field_ends[kept[row]])
        out[at] = _FEED
        at += _ONE
    for _ in range(count):
        at = _put_line(out, at, width + _ONE)
    for row in range(count):
        at = _put_own(out, at, words, starts, ends, NAME_LINES, lines[kept[row]])
    for row in range(count):
        at = _put_own(out, at, words, starts, ends, KEY_LINES, lines[kept[row]])
    for row in range(count):
        at = _put_line(out, at, firsts[row])
        for place in range(width):
            at = _put_line(out, at, sequences[row * width + place])
    pages[BUNDLE] = at

    first = at
    for number in range(np.uint64(len(cells))):
        cell = cells[number]
        row = cell // width
        line = lines[kept[row]]
        key = line * width + (cell - row * width)
        at = put(out, at, words, key_starts[key], key_ends[key])
        size = _TWO + width_of(sequences[cell]) + width_of(firsts[row])
        at = put_length(out, at, size + ends[NAME, line] - starts[NAME, line])
        at = put_whole(out, at, sequences[cell])
        out[at] = _BLANK
        at = put_whole(out, at + _ONE, firsts[row])
        out[at] = _BLANK
        at = put_end(out, _put_own(out, at + _ONE, words, starts, ends, NAME, line))
        cell_ends[number] = at - first
    pages[MEMBERS] = at
    return at
