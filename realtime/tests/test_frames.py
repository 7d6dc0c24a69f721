from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.frames import Auth, BadFrame, Ping, Subscribe, Unsubscribe, parse_frame
from realtime.protocol.position import Position


def test_seed_subscribe_names_the_price_room_of_the_stock() -> None:
    frame = parse_frame('{"type":"subscribe","stock_code":"005930","timestamp":"2025-11-09T10:30:00Z"}')
    assert frame == Subscribe(rooms=("price:005930",), stock_code="005930")


def test_a_list_of_rooms_keeps_its_order_and_loses_repetitions() -> None:
    frame = parse_frame('{"type":"subscribe","rooms":["price:005930","market:KOSPI","price:005930"]}')
    assert frame == Subscribe(rooms=("price:005930", "market:KOSPI"))


def test_since_is_read_as_positions() -> None:
    frame = parse_frame(
        '{"type":"subscribe","rooms":["price:A"],"since":{"price:A":{"epoch":"e","sequence":7}}}'
    )
    assert frame == Subscribe(rooms=("price:A",), since={"price:A": Position("e", 7)})


def test_unsubscribe_ping_and_auth_are_understood() -> None:
    assert parse_frame('{"type":"unsubscribe","stock_code":"A"}') == Unsubscribe(("price:A",), "A")
    assert parse_frame('{"type":"unsubscribe","rooms":["price:A"]}') == Unsubscribe(("price:A",))
    assert parse_frame('{"type":"ping"}') == Ping()
    assert parse_frame('{"type":"auth","token":"t"}') == Auth("t")
    assert parse_frame('{"type":"auth","ticket":"t"}') == Auth("t")


def test_a_token_is_not_in_the_frames_repr() -> None:
    assert "hidden" not in repr(parse_frame('{"type":"auth","token":"hidden"}'))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "1",
        '"ping"',
        "{}",
        '{"type":1}',
        '{"type":"shout"}',
        '{"type":["ping"]}',
        '{"type":"ping","extra":1}',
        '{"type":"ping","type":"ping"}',
        '{"type":"ping","timestamp":12}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","stock_code":"A","rooms":["price:A"]}',
        '{"type":"subscribe","stock_code":""}',
        '{"type":"subscribe","stock_code":5930}',
        '{"type":"subscribe","stock_code":null}',
        '{"type":"subscribe","rooms":[]}',
        '{"type":"subscribe","rooms":"price:A"}',
        '{"type":"subscribe","rooms":["price:A",1]}',
        '{"type":"subscribe","rooms":["a:b"],"since":[]}',
        '{"type":"subscribe","rooms":["a:b"],"since":{"a:b":{"epoch":"e","sequence":-1}}}',
        '{"type":"subscribe","rooms":["a:b"],"since":{"a:b":{"epoch":"e","sequence":true}}}',
        '{"type":"subscribe","rooms":["a:b"],"since":{"a:b":{"epoch":"e","sequence":NaN}}}',
        '{"type":"unsubscribe","rooms":["a:b"],"since":{}}',
        '{"type":"auth"}',
        '{"type":"auth","token":""}',
        '{"type":"auth"}',
        '{"type":"auth","token":"t","ticket":"t"}',
        '{"type":"ping","timestamp":NaN}',
        '{"type":"ping"} {}',
        '{"type":"ping","timestamp":' + "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"type":"subscribe","rooms":["a:b"],"since":' + '{"a":' * 9 + "1" + "}" * 10,
        '{"type":' + "9" * 5_000 + "}",
    ],
    ids=lambda text: text[:60],
)
def test_anything_else_is_a_bad_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        parse_frame(text)


def test_more_rooms_than_any_tier_has_are_a_bad_frame() -> None:
    rooms = [f"price:{number}" for number in range(501)]
    with pytest.raises(BadFrame):
        parse_frame(json.dumps({"type": "subscribe", "rooms": rooms}))


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_random_input_raises_nothing_but_bad_frame(raw: bytes | str) -> None:
    with contextlib.suppress(BadFrame):
        parse_frame(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "rooms", "stock_code", "since", "token", "epoch", "sequence", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["auth", "subscribe", "unsubscribe", "ping"]) | json_values},
        optional=dict.fromkeys(("rooms", "stock_code", "since", "token", "timestamp"), json_values),
    )
)
def test_any_object_raises_nothing_but_bad_frame(frame: dict[str, object]) -> None:
    with contextlib.suppress(BadFrame):
        parse_frame(json.dumps(frame))
