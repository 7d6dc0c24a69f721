"""Records, cells and rows of files, without a database"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from portfolios.errors import FileUnreadable
from portfolios.importing.cells import BadCell, is_date_format, moment_reader, number_reader
from portfolios.importing.layout import Layout
from portfolios.importing.records import Records
from portfolios.importing.rows import Refusal, Row, RowReader
from portfolios.serializers.bodies import TransactionBody
from portfolios.types import TransactionType

_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
SEOUL = ZoneInfo("Asia/Seoul")


def read(text: str | bytes, **options: Any) -> list[tuple[int, list[str]]]:
    return list(Records(io.BytesIO(text.encode() if isinstance(text, str) else text), **options))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    rows=st.lists(st.lists(_CELLS, min_size=2, max_size=4), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_csv_writer_writes_is_read_back(rows, delimiter, quoting, end):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    # A row of blanks alone is a blank line, where no quote says that it is one of empty cells.
    wanted = [row for row in rows if quoting == csv.QUOTE_ALL or delimiter.join(row).strip()]
    assert [cells for _, cells in read(text.getvalue(), delimiter=delimiter)] == wanted


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_place(raw):
    try:
        for line, cells in read(raw):
            assert line >= 1 and all("\0" not in cell for cell in cells)
    except FileUnreadable as error:
        assert error.details["line"] >= 1 and error.details["column"] >= 1


def test_lines_are_counted_through_blank_ones_and_cells_over_several():
    text = '\ufeffa,b\r\n\r\n"x\r\ny",1\r\n  \n2,"q""q"\n'
    assert read(text) == [(1, ["a", "b"]), (3, ["x\r\ny", "1"]), (6, ["2", 'q"q'])]


def test_other_encodings_are_read_by_name():
    assert read("종목,매수\n".encode("cp949"), encoding="cp949") == [(1, ["종목", "매수"])]
    with pytest.raises(FileUnreadable) as refused:
        read("a,종목\n".encode("cp949"))
    assert refused.value.details == {"line": 1, "column": 2, "reason": "is not utf-8"}
    assert refused.value.message == "Line 1, column 2, is not utf-8."


@pytest.mark.parametrize(
    ("text", "signs", "value"),
    [
        ("1234.50", (".", ""), "1234.50"),
        ("1.234,5", (",", "."), "1234.5"),
        ("1,234,567.8", (".", ","), "1234567.8"),
        ("1 234,5", (",", " "), "1234.5"),
        ("-.5", (".", ""), "-0.5"),
        ("+7.", (".", ""), "7"),
        ("1234,5", (",", "."), "1234.5"),
    ],
)
def test_numbers_are_read_exactly(text, signs, value):
    assert number_reader(*signs)(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        *((text, (".", "")) for text in ("1e5", "NaN", "Infinity", "1,5", "1.2.3", "", ".", "-", "١", "0x1")),
        *((text, (".", ",")) for text in ("1,23", "12,34,567", ",123", "1,2345", "1.5,000")),
        ("1.5", (",", "")),
        ("9" * 31, (".", "")),
    ],
)
def test_other_texts_are_no_numbers(text, signs):
    with pytest.raises(BadCell):
        number_reader(*signs)(text)


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("ISO", "2024-01-02", date(2024, 1, 2)),
        ("ISO", "2024-01-02T15:00:00Z", datetime(2024, 1, 2, 15, tzinfo=UTC)),
        ("ISO", "2024-01-02 15:00", datetime(2024, 1, 2, 6, tzinfo=UTC)),
        ("ISO", "2024-01-02T15:00:00.123456+01:00", datetime(2024, 1, 2, 14, 0, 0, 123456, tzinfo=UTC)),
        ("DD/MM/YYYY", "3/1/2024", date(2024, 1, 3)),
        ("MM/DD/YYYY", "3/1/2024", date(2024, 3, 1)),
        ("DD-MMM-YYYY", "03-Jan-2024", date(2024, 1, 3)),
        ("YYYYMMDD", "20240103", date(2024, 1, 3)),
        ("YYYY.MM.DD HH:mm:ss", "2024.01.03 09:00:01", datetime(2024, 1, 3, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_days_and_times_are_read_as_they_are_written(form, text, moment):
    assert is_date_format(form)
    found = moment_reader(form, SEOUL)(text)
    assert found == moment and type(found) is type(moment)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *(("ISO", text) for text in ("2024-02-30", "20240102", "2024-W01-1", "2024-01-02T25:00", "now", "")),
        *(("DD/MM/YYYY", text) for text in ("2024-01-03", "31/02/2024", "1/13/2024", "01/01/24", "٣/1/2024")),
        ("DD-MMM-YYYY", "03-Foo-2024"),
    ],
)
def test_other_texts_are_no_days(form, text):
    with pytest.raises(BadCell):
        moment_reader(form, SEOUL)(text)


@pytest.mark.parametrize("form", ["DD.MM", "YYYY-MM-DD-DD", "YYYY(.*)MM-DD", "YYYY-MM-DD HH", "%Y-%m-%d", ""])
def test_a_date_format_has_a_year_a_month_and_a_day_and_nothing_strange(form):
    assert not is_date_format(form)


_FIGURES = ("quantity", "price", "amount", "fee", "tax")
_TEXTS = st.sampled_from(
    ["", "", "0", "1", "2.5", "-1", "0.00000000001", "0.123456789", "1000000000000", "1" + "0" * 15]
)


@settings(deadline=None)
@given(
    kind=st.sampled_from(list(TransactionType)),
    code=st.sampled_from(["", "AAPL"]),
    figures=st.fixed_dictionaries(dict.fromkeys(_FIGURES, _TEXTS)),
    ratio=st.sampled_from(["", "2:1", "1:1", "0:1", "2/1"]),
    currency=st.sampled_from(["", "USD", "usd", "XXX"]),
)
def test_a_row_is_taken_where_the_same_transaction_alone_would_be(kind, code, figures, ratio, currency):
    texts = {"type": kind.value, "stock_code": code, **figures, "ratio": ratio, "currency": currency}
    header = [*texts, "traded_at"]
    row = RowReader(Layout(), 1, header).read(2, [*texts.values(), "2024-01-02T15:00:00Z"])
    # Of a single transaction a 0 of what must not be 0 is an error, in a file it is none; and without a price
    # a trade is at market, which a row of a file is not.
    body: dict[str, Any] = {"type": kind.value, "traded_at": "2024-01-02T15:00:00Z"}
    body |= {name: texts[name] for name in ("stock_code", "ratio", "currency") if texts[name]}
    for name in _FIGURES:
        if figures[name] and Decimal(figures[name]):
            body[name] = Decimal(figures[name])
    at_market = kind in ("BUY", "SELL") and "price" not in body
    # Only in a file a dividend may tell of how many shares at how much it was.
    shares = kind == "DIVIDEND" and ("quantity" in body or "price" in body)
    try:
        values = TransactionBody.parse(body)
    except ValidationError as error:
        if not shares:
            assert isinstance(row, Refusal), error
        return
    if at_market:
        assert isinstance(row, Refusal) and row.column == "price"
        return
    assert isinstance(row, Row)
    assert [getattr(row, name) or None for name in (*_FIGURES, "ratio")] == [
        values.get(name) or None for name in (*_FIGURES, "ratio")
    ]
    assert (row.stock, row.currency) == (values.get("stock"), values.get("currency"))


def reader(header: str, **options: Any) -> RowReader:
    columns = {name: [name] for name in header.split(",")}
    return RowReader(Layout(columns=columns, **options), 1, header.split(","))


def test_a_sign_decides_between_two_types_of_one_word():
    read = reader("type,traded_at,stock_code,quantity,price,amount", types={"T": "TRADE", "C": "CASH"})

    def kind(*cells: str) -> Any:
        row = read.read(2, cells)
        assert row is not None
        return (row.type, row.quantity or row.amount) if isinstance(row, Row) else row.reason

    assert kind("t", "2024-01-02", "A", "-5", "1", "") == ("SELL", 5)
    assert kind("T", "2024-01-02", "A", "5", "1", "") == ("BUY", 5)
    assert kind("c", "2024-01-02", "", "", "", "-7") == ("WITHDRAW", 7)
    assert kind("c", "2024-01-02", "", "", "", "7") == ("DEPOSIT", 7)
    assert kind("c", "2024-01-02", "", "", "", "") == "has no amount, whose sign would say what the row is"
    assert kind("T", "2024-01-02", "A", "5", "-1", "") == "must not be negative"


def test_signs_and_unused_figures_are_dropped_only_where_the_mapping_says_so():
    cells = ["DIVIDEND", "2024-01-02", "A", "10", "0.24", "-2.40"]
    header = "type,traded_at,stock_code,quantity,price,amount"
    strict, lenient = reader(header), reader(header, drop_signs=True, drop_unused=True)
    assert strict.read(2, cells) == Refusal(2, "amount", "must not be negative")
    assert reader(header, drop_signs=True).read(2, cells) == Refusal(2, "price", "DIVIDEND has none here")
    row = lenient.read(2, cells)
    assert isinstance(row, Row) and (row.quantity, row.price, row.amount) == (None, None, Decimal("2.40"))


def test_empty_cells_beyond_the_header_are_none_and_others_are_refused():
    read = reader("type,traded_at,amount").read
    assert isinstance(read(2, ["FEE", "2024-01-02", "1", "", " "]), Row)
    assert read(3, ["FEE", "2024-01-02", "1", "x"]) == Refusal(3, "", "has 4 cells, where the header has 3")
    assert read(4, ["FEE", "2024-01-02"]) == Refusal(4, "", "has 2 cells, where the header has 3")
