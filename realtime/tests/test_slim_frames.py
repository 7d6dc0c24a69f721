"""The parser and the handshake alone: no socket, no loop."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.slim import handshake
from realtime.slim.deflate import accepted_offer, compress, inflate
from realtime.slim.errors import BadHandshake, Broken
from realtime.slim.frames import Close, Incoming, Parser, Ping, Pong, build
from realtime.tests.raw import BINARY, CONTINUATION, PING, PONG, TEXT, close, frame, request

LIMIT = 300

masks = st.binary(min_size=4, max_size=4)
payloads = st.binary(max_size=LIMIT + 20)
whole = st.one_of(
    st.builds(frame, st.just(TEXT), st.text(max_size=80).map(str.encode), mask=masks),
    st.builds(frame, st.sampled_from([TEXT, BINARY]), payloads, final=st.booleans(), mask=masks),
    st.builds(frame, st.just(CONTINUATION), st.binary(max_size=60), final=st.booleans(), mask=masks),
    st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=125), mask=masks),
    st.builds(close, st.integers(0, 5_000), st.binary(max_size=20)),
    st.builds(
        lambda data, final: frame(TEXT, compress(data), reserved=4, final=final), payloads, st.booleans()
    ),
    st.binary(max_size=20),
)
streams = st.lists(whole, max_size=8).map(b"".join)


def parsed(pieces: list[bytes], *, deflate: bool = True) -> list[Incoming | tuple[int, str]]:
    """Every message, and the fault that ended them."""
    parser = Parser(limit=LIMIT, deflate=deflate)
    seen: list[Incoming | tuple[int, str]] = []
    for piece in pieces:
        parser.feed(piece)
        try:
            while (incoming := parser.next()) is not None:
                seen.append(incoming)
                if isinstance(incoming, Close):
                    return seen
        except Broken as broken:
            return [*seen, (broken.code.number, broken.reason)]
    return seen


@settings(max_examples=300, deadline=None)
@given(streams, st.data())
def test_the_same_bytes_are_the_same_messages_however_cut(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    in_one = parsed([stream])
    assert parsed(pieces) == in_one
    assert parsed([bytes([byte]) for byte in stream]) == in_one


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=60), st.binary(max_size=125)), max_size=6), st.data())
def test_what_a_client_writes_is_what_is_read(messages: list[str | bytes], data: st.DataObject) -> None:
    sent = b""
    expected: list[Incoming] = []
    for message in messages:
        opcode, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        parts = data.draw(st.integers(1, 4))
        step = len(payload) // parts + 1
        for number in range(parts):
            part = payload[number * step : (number + 1) * step]
            sent += frame(CONTINUATION if number else opcode, part, final=number == parts - 1)
            if number < parts - 1:
                sent += frame(PING, b"between") + frame(PONG)
                expected += [Ping(b"between"), Pong(b"")]
        expected.append(message)
    assert parsed([sent]) == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=LIMIT))
def test_what_is_compressed_is_the_same_when_it_is_inflated(body: bytes) -> None:
    assert inflate(compress(body), LIMIT) == body


def test_a_last_block_that_is_marked_as_final_is_read() -> None:
    # The example of RFC 7692, section 7.2.3.5.
    assert inflate(bytes.fromhex("f348cdc9c90700 00".replace(" ", "")), 100) == b"Hello"


def test_a_second_stream_behind_a_final_block_is_refused() -> None:
    with pytest.raises(Broken) as broken:
        inflate(bytes.fromhex("f348cdc9c90700") * 2, 100)
    assert broken.value.code.number == 1002


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_length_is_written_in_as_few_bytes_as_it_needs(size: int) -> None:
    built = build(BINARY, b"x" * size)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(built) == head + size
    assert built[0] == 0x82
    assert size == (built[1] if head == 2 else int.from_bytes(built[2:head], "big"))


ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ([], None),
        ([""], None),
        (["permessage-deflate"], ANSWER),
        (["permessage-deflate; client_max_window_bits"], ANSWER),
        (['permessage-deflate; client_max_window_bits="10"'], ANSWER),
        (["permessage-deflate;server_no_context_takeover ; client_no_context_takeover"], ANSWER),
        (["permessage-deflate; server_max_window_bits=15"], f"{ANSWER}; server_max_window_bits=15"),
        (["permessage-deflate; server_max_window_bits=12"], f"{ANSWER}; server_max_window_bits=12"),
        (["permessage-deflate; server_max_window_bits=11"], None),
        (["permessage-deflate; server_max_window_bits=8, permessage-deflate"], ANSWER),
        (["x-webkit-deflate-frame, permessage-deflate"], ANSWER),
        (["other", "permessage-deflate"], ANSWER),
        (["permessage-deflate; server_max_window_bits"], None),
        (["permessage-deflate; server_max_window_bits=16"], None),
        (["permessage-deflate; server_max_window_bits=015"], None),
        (["permessage-deflate; client_max_window_bits=7"], None),
        (["permessage-deflate; server_no_context_takeover=1"], None),
        (["permessage-deflate; client_max_window_bits; client_max_window_bits"], None),
        (["permessage-deflate; unknown"], None),
    ],
)
def test_an_offer_is_answered_as_rfc_7692_has_it(offers: list[str], answer: str | None) -> None:
    assert accepted_offer(offers) == answer


@pytest.mark.parametrize(
    "header", [";", "permessage-deflate;", "permessage-deflate; =1", "a b", 'a; b="', "a" * 1_025, "a; b=c d"]
)
def test_a_header_of_extensions_that_follows_no_grammar_is_refused(header: str) -> None:
    with pytest.raises(BadHandshake):
        accepted_offer([header])


@settings(max_examples=300, deadline=None)
@given(st.text('permsag-dflt;,="_ \t15', max_size=60))
def test_any_header_of_extensions_is_answered_or_refused(header: str) -> None:
    try:
        answer = accepted_offer([header])
    except BadHandshake:
        return
    assert answer is None or answer.startswith(ANSWER)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_request_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    head = bytearray(request(80, "/ws/stocks?token=free", "Sec-WebSocket-Extensions: permessage-deflate"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(head) - 1))
        head[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        read = handshake.read_request(bytes(head))
    except BadHandshake as error:
        assert handshake.refusal_of(error).startswith(f"HTTP/1.1 {error.status} ".encode())
    else:
        assert handshake.switching(read, deflate=True).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("header", [(b"x-a", b"1\r\nx-b: 2"), (b"x\n", b"1"), (b"", b"1"), (b"x a", b"1")])
def test_a_header_that_would_split_an_answer_is_not_written(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="header"):
        handshake.refusal(404, [header])


def test_a_head_is_cut_where_it_ends() -> None:
    assert handshake.split_head(b"GET / HTTP/1.1\r\nHost: x\r\n\r") is None
    assert handshake.split_head(b"A\r\n\r\nrest") == (b"A\r\n\r\n", b"rest")
    assert handshake.split_head(b"A\n\nrest", since=2) == (b"A\n\n", b"rest")
