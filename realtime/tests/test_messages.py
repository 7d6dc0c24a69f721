from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol import codes, messages
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.envelope import BadEnvelope, unpack
from realtime.protocol.position import NOWHERE, Position

NOW = datetime(2025, 11, 9, 10, 30, 15, 125_999, tzinfo=UTC)


def test_times_are_utc_with_milliseconds_and_z() -> None:
    seoul = timezone(timedelta(hours=9))
    assert timestamp(NOW) == "2025-11-09T10:30:15.125Z"
    assert timestamp(datetime(2025, 11, 9, 19, 30, tzinfo=seoul)) == "2025-11-09T10:30:00.000Z"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2025, 11, 9))  # noqa: DTZ001  (the naive time is the subject)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("71000", b"71000"),
        ("71000.00000000", b"71000"),
        ("150.25", b"150.25"),
        ("1.5700", b"1.57"),
        ("7.1E+4", b"71000"),
        ("1E-8", b"0.00000001"),
        ("-0.00", b"0"),
        ("123456789012345678901234.12345678", b"123456789012345678901234.12345678"),
        ("NaN", b"null"),
        ("Infinity", b"null"),
    ],
)
def test_decimals_are_written_as_they_are(number: str, text: bytes) -> None:
    assert dumps(Decimal(number)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_a_decimal_comes_back_equal(number: Decimal) -> None:
    assert json.loads(dumps({"n": number}), parse_float=Decimal, parse_int=Decimal)["n"] == number


def test_dates_times_and_ids_have_a_form_and_objects_have_none() -> None:
    identity = UUID(int=5)
    assert json.loads(dumps([NOW, NOW.date(), identity])) == [
        "2025-11-09T10:30:15.125Z",
        "2025-11-09",
        str(identity),
    ]
    with pytest.raises(TypeError):
        dumps({"x": object()})


def test_the_ack_of_a_stock_keeps_the_seeds_fields() -> None:
    standing = messages.Standing(Position("e1", 7), b'{"type":"price_update"}')
    ack = messages.subscribed_to_stock(stock_code="005930", room="price:005930", standing=standing, now=NOW)
    assert json.loads(ack) == {
        "type": "subscribed",
        "stock_code": "005930",
        "room": "price:005930",
        "epoch": "e1",
        "sequence": 7,
        "snapshot": {"type": "price_update"},
        "timestamp": "2025-11-09T10:30:15.125Z",
    }


def test_the_ack_of_rooms_has_all_and_a_snapshot_only_of_those_asked_for() -> None:
    rooms = {
        "price:A": messages.Standing(Position("e1", 7), None, asked=False),
        "price:B": messages.Standing(NOWHERE, None),
    }
    assert json.loads(messages.subscribed(rooms=rooms, now=NOW))["rooms"] == {
        "price:A": {"epoch": "e1", "sequence": 7},
        "price:B": {"epoch": None, "sequence": 0, "snapshot": None},
    }


def test_an_error_names_its_code_and_subject() -> None:
    frame = json.loads(
        messages.error(
            codes.ROOM_UNKNOWN, "No such stock.", now=NOW, name="STOCK_NOT_FOUND", room="price:nowhere"
        )
    )
    assert frame == {
        "type": "error",
        "error": "STOCK_NOT_FOUND",
        "code": 4404,
        "message": "No such stock.",
        "details": {},
        "room": "price:nowhere",
        "timestamp": "2025-11-09T10:30:15.125Z",
    }


def test_a_batch_holds_its_messages_unchanged() -> None:
    assert json.loads(messages.batch([b'{"a":1}', b'{"b":2.50}'])) == {
        "type": "batch",
        "messages": [{"a": 1}, {"b": 2.5}],
    }


def test_an_envelope_comes_apart_where_the_publisher_joined_it() -> None:
    assert unpack(b'12 e1 BRK B\0{"a":"\xec\xa0\x84"}') == (
        Position("e1", 12),
        b"BRK B",
        b'{"a":"\xec\xa0\x84"}',
    )


@given(st.binary(max_size=60))
def test_foreign_bytes_are_a_bad_envelope_or_an_envelope(payload: bytes) -> None:
    with contextlib.suppress(BadEnvelope):
        assert unpack(payload).position.sequence >= 0


def test_every_code_has_its_own_number_and_name() -> None:
    # Of those that close, every number says which; an error frame has the name beside it.
    closing = [code.number for code in codes.TABLE if code.closes]
    assert len(set(closing)) == len(closing)
    assert len({code.name for code in codes.TABLE}) == len(codes.TABLE)
    for code in codes.TABLE:
        # What RFC 6455 lets an endpoint put into a close frame.
        assert code.number in range(1000, 1015) or code.number in range(4000, 5000)
