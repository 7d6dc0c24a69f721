"""From bytes to columns of text: inflating, lines, headers and fields."""

import gzip
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stocks.errors import LoadRefused
from stocks.loading import table
from stocks.loading.ahead import ahead
from stocks.loading.layouts import Layout, recognise, split_header
from stocks.loading.lines import MAX_LINE_BYTES, Block, blocks
from stocks.loading.source import PIECE_BYTES, SourceFile, inflated

COLUMNS = {"a": 0, "c": 2}


def joined(pieces) -> bytes:
    return b"".join(pieces)


@given(
    members=st.lists(st.binary(max_size=200), min_size=1, max_size=3),
    size=st.integers(1, 50),
    padding=st.integers(0, 5),
)
def test_gzip_of_several_members_is_inflated_however_it_arrives(members, size, padding):
    raw = joined(gzip.compress(member) for member in members) + b"\0" * padding
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert joined(inflated(pieces, "x.gz")) == joined(members)


def test_a_gzip_bomb_is_inflated_in_small_pieces():
    raw = zlib.compress(b"0" * (40 * PIECE_BYTES), wbits=31)
    sizes = [len(piece) for piece in inflated([raw], "bomb.gz")]
    assert max(sizes) <= PIECE_BYTES
    assert sum(sizes) == 40 * PIECE_BYTES


@given(st.data())
def test_gzip_cut_anywhere_is_refused(data):
    raw = gzip.compress(bytes(range(256)) * 20)
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(LoadRefused, match="cut off"):
        joined(inflated([raw[:cut]], "x.gz"))


def test_gzip_followed_by_something_else_is_refused():
    with pytest.raises(LoadRefused, match="damaged"):
        joined(inflated([gzip.compress(b"1") + b"more"], "x.gz"))


@given(
    lines=st.lists(
        st.text(st.characters(blacklist_characters="\n\r\0", codec="utf-8"), max_size=8), max_size=9
    ),
    size=st.integers(1, 9),
    ending=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    final=st.booleans(),
)
def test_blocks_hold_every_line_once_with_its_number(lines, size, ending, bom, final):
    if lines and lines[0].startswith("\ufeff"):
        return
    text = ending.join(lines) + (ending if final and lines else "")
    raw = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    found = {}
    for block in blocks((raw[start : start + size] for start in range(0, len(raw), size)), "x"):
        for number, line in enumerate(block.lines(), block.first_line):
            assert number not in found
            found[number] = line.decode()
            assert block.line(number) == line.decode()
    expected = text.replace("\r\n", "\n").split("\n")
    if expected[-1] == "":
        expected.pop()
    assert [found[number] for number in sorted(found)] == expected
    assert sorted(found) == list(range(1, len(expected) + 1))


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ("a,b\n1,ü\n".encode("latin-1"), "line 2 holds the byte 0xfc"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1 holds a NUL byte"),
        (b"a,b\n1,2\n\x00\x01,3\n", "line 3 holds a NUL byte"),
        (b"a,b\n" + b"x" * (MAX_LINE_BYTES + 1), "line 2 is longer than"),
        ("a,é".encode()[:-1] + b"\n", "no UTF-8"),
    ],
)
def test_what_is_no_utf_8_text_of_lines_is_refused(raw, complaint):
    with pytest.raises(LoadRefused, match=complaint):
        list(blocks([raw], "x.csv"))


def test_an_endless_line_is_refused_before_it_is_read():
    taken = 0

    def pieces():
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 65_536

    with pytest.raises(LoadRefused, match="longer"):
        list(blocks(pieces(), "x.csv"))
    assert taken < 20


def rows_of(text: str, width: int = 3):
    rows, refused = [], []
    for batch in table.batches(Block(2, text.encode()), width, COLUMNS):
        rows += batch.frame.rows()
        refused += batch.refused
    return rows, [(refusal.line, refusal.reason) for refusal in refused]


def test_fields_of_a_regular_block_are_split_at_commas():
    assert rows_of("1,2,3\n,,\n a ,b, c\n") == ([(2, "1", "3"), (3, "", ""), (4, "a", "c")], [])


def test_a_line_with_more_or_fewer_fields_is_no_row():
    rows, refused = rows_of("1,2,3\n1,2\n1,2,3,4\n4,5,6\n")
    assert rows == [(2, "1", "3"), (5, "4", "6")]
    assert refused == [(3, "2 fields where the header has 3"), (4, "4 fields where the header has 3")]


def test_lines_that_make_up_for_each_other_are_still_seen():
    rows, refused = rows_of("1,2\n3,4,5,6\n")
    assert rows == []
    assert [line for line, _ in refused] == [2, 3]


def test_blank_lines_are_no_rows_but_count_as_lines():
    assert rows_of("\n1,2,3\n   \n4,5,6\n") == ([(3, "1", "3"), (5, "4", "6")], [])


def test_quoted_fields_may_hold_commas_and_quotes():
    assert rows_of('"1,5","x","say ""so"""\n') == ([(2, "1,5", 'say "so"')], [])


def test_a_quote_that_is_not_closed_costs_its_own_line_only():
    rows, refused = rows_of('1,2,3\n"4,5,6\n7,8,9\n')
    assert rows == [(2, "1", "3"), (4, "7", "9")]
    assert refused == [(3, "not readable as CSV: unexpected end of data")]


CELL = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"], exclude_characters='",'), max_size=5
)


@example([["", "", "\xa0"]])
@example([["a\u3000", " b", "c"]])
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_both_ways_of_splitting_agree(rows):
    lines = [",".join(row) for row in rows]
    fast, _ = rows_of("".join(f"{line}\n" for line in lines))
    # A quoted line sends the whole block the other way.
    slow, _ = rows_of("".join(f"{line}\n" for line in [*lines, '"","",""']))
    assert fast == slow[:-1]


def test_long_blocks_come_in_batches(monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    for text in ("1,2,3\n" * 5, '"1",2,3\n' * 5):
        found = list(table.batches(Block(2, text.encode()), 3, COLUMNS))
        assert [batch.rows for batch in found] == [2, 2, 1]
        assert [line for batch in found for line in batch.frame["line"]] == [2, 3, 4, 5, 6]


LAYOUTS = (
    Layout("first", {"code": "Symbol", "price": "Close"}, {"name": "Name"}, frozenset({"PE"})),
    Layout("second", {"code": "Symbol"}, {"name": "Name"}),
)


def recognised(header: str, **mapping: str):
    fields, _ = split_header(blocks([header.encode()], "x.csv"), "x.csv")
    found = recognise(fields, LAYOUTS, mapping, "x.csv")
    return found.layout.name, found.columns


def test_the_first_layout_with_all_its_columns_and_marks_is_taken():
    assert recognised("Symbol,Close,PE") == ("first", {"code": 0, "price": 1})
    assert recognised("Symbol,Close") == ("second", {"code": 0})


def test_names_are_compared_without_case_spaces_or_quotes():
    assert recognised('"symbol", CLOSE ,pe') == ("first", {"code": 0, "price": 1})


def test_a_mapping_takes_the_place_of_a_default_name():
    assert recognised("Ticker,Symbol,Name", code="Ticker") == ("second", {"code": 0, "name": 2})


@pytest.mark.parametrize(
    ("header", "mapping", "complaint"),
    [
        ("a,b", {}, "lacks the column Symbol; it has a, b"),
        ("a;b;c", {}, "it has a;b;c"),
        ("Symbol", {"code": "Ticker"}, "no column 'Ticker'"),
        ("Symbol", {"colour": "Symbol"}, "there is no such column; ours are code, name, price"),
        ("Symbol,Symbol", {}, "2 columns named 'Symbol'"),
        ('"Symbol', {}, "header cannot be read"),
        ("\x1b[31m,b", {}, r"it has \\x1b\[31m, b"),
        (",".join("x" * 1000 for _ in range(100)), {}, "x …"),
    ],
)
def test_a_header_that_fits_no_layout_is_refused_in_one_short_line(header, mapping, complaint):
    with pytest.raises(LoadRefused, match=complaint) as caught:
        recognised(header, **mapping)
    assert len(caught.value.message) < 700
    assert len(caught.value.message.splitlines()) == 1


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" * 10)
    with SourceFile(path) as source, pytest.raises(LoadRefused, match="changed while it was read"):
        for _ in source.pieces():
            path.write_bytes(b"other")


def test_items_come_in_order_and_an_error_comes_after_them():
    def items():
        yield from range(5)
        raise LoadRefused("no more")

    found = []
    with pytest.raises(LoadRefused, match="no more"):
        for item in ahead(items()):
            found.append(item)
    assert found == list(range(5))
    assert list(ahead(iter(range(3)))) == [0, 1, 2]


def test_closing_early_ends_the_thread():
    before = threading.active_count()
    stream = ahead(iter(range(1_000_000)))
    assert next(stream) == 0
    stream.close()
    assert threading.active_count() == before
