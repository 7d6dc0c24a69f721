"""RFC 6455 by the bytes, against a real server."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from realtime.tests.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Raw,
    Received,
    close,
    frame,
    request,
)
from realtime.tests.servers import OwnWeb, until

pytestmark = pytest.mark.usefixtures("floor")

PING_FRAME = b'{"type":"ping"}'
OTHER_KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
WITHOUT_TAKEOVER = "server_no_context_takeover; client_no_context_takeover"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


@pytest.fixture
def raw(web: OwnWeb) -> Iterator[Raw]:
    """A client that is signed in."""
    with Raw(web.port) as client:
        client.open_signed_in()
        yield client
    assert "Traceback" not in web.written()


def _by_number(value: object) -> str:
    # The bytes that are sent would be no readable name.
    return str(value) if isinstance(value, int) else "sent"


def deflated(text: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def heard(raw: Raw) -> str:
    kind: str = json.loads(raw.receive().payload)["type"]
    return kind


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


# --- Handshake ---


def test_the_answer_proves_that_the_key_was_read(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        sent = request(web.port, "/ws/stocks")
        raw.send(sent)
        key = sent.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        expected = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        assert f"Sec-WebSocket-Accept: {expected.decode()}" in raw.head().split("\r\n")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"), 426),
        ((b"Sec-WebSocket-Version: 13\r\n", b""), 426),
        ((b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: x"), 400),
        ((b"Sec-WebSocket-Key: ", b"X-Key: "), 400),
        (
            (
                b"Sec-WebSocket-Version",
                OTHER_KEY + b"Sec-WebSocket-Version",
            ),
            400,
        ),
        ((b"GET ", b"POST "), 405),
        ((b"HTTP/1.1", b"HTTP/1.0"), 400),
        ((b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"), 400),
        ((b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
        ((b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate; =\r\n\r\n"), 400),
        ((b"Host: ", b"X-Host: "), 400),
        ((b"\r\n\r\n", b"\r\nHost: other\r\n\r\n"), 400),
        ((b"\r\n\r\n", b"\r\nX-Folded: 1\r\n 2\r\n\r\n"), 400),
        ((b"\r\n\r\n", b"\r\nX Y: 1\r\n\r\n"), 400),
        ((b"\r\n\r\n", b"\r\nX-Nul: \0\r\n\r\n"), 400),
    ],
    ids=_by_number,
)
def test_a_handshake_that_is_none_is_refused(web: OwnWeb, change: tuple[bytes, bytes], status: int) -> None:
    with Raw(web.port) as raw:
        raw.send(request(web.port, "/ws/stocks").replace(*change, 1))
        assert raw.head().startswith(f"HTTP/1.1 {status} ")
        raw.rest()


def test_a_handshake_may_come_in_pieces_and_in_any_spelling(web: OwnWeb) -> None:
    for change in [(b"Upgrade: websocket", b"uPgRaDe:WebSocket"), (b"keep-alive, Upgrade", b"UPGRADE")]:
        with Raw(web.port) as raw:
            for piece in in_pieces(request(web.port, "/ws/stocks?token=free").replace(*change), 7):
                raw.send(piece)
            assert raw.head().startswith("HTTP/1.1 101 ")
            assert heard(raw) == "hello"


def test_frames_right_behind_the_request_are_answered_in_order(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        raw.open(behind=frame(TEXT, PING_FRAME) * 6)
        assert [heard(raw) for _ in range(7)] == ["hello", *["pong"] * 6]


def test_who_leaves_right_behind_the_request_leaves_nothing_behind(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        raw.open(behind=close(1000))
        assert raw.close_code() == 1000
    with Raw(web.port) as raw:
        raw.send(request(web.port, "/ws/stocks?token=free"))
    with Raw(web.port) as raw:
        raw.open_signed_in()
        assert raw.is_alive()
    assert "Traceback" not in web.written()


def test_a_request_without_upgrade_goes_to_the_http_side(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    with Raw(web.port) as raw:
        raw.send(b"GET /ws/stocks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert raw.head().startswith("HTTP/1.1 404 ")


def test_what_is_no_request_is_refused_at_once(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        assert raw.head().startswith("HTTP/1.1 400 ")


def test_a_handshake_that_does_not_end_is_given_up(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(handshake_seconds=0.5)
    with Raw(web.port) as raw, Raw(web.port) as silent:
        raw.send(request(web.port, "/ws/stocks")[:-2])
        assert raw.rest().startswith(b"HTTP/1.1 408 ")
        assert silent.rest() == b""


# --- Fragments and control frames ---


def test_a_message_may_come_in_fragments_with_control_frames_between(raw: Raw) -> None:
    raw.send(frame(TEXT, PING_FRAME[:3], final=False))
    raw.send(frame(PING, b"between"))
    raw.send(frame(CONTINUATION, b"", final=False))
    raw.send(frame(PONG, b"nobody asked"))
    raw.send(frame(CONTINUATION, PING_FRAME[3:]))
    assert raw.receive() == Received(0x80 | PONG, b"between")
    assert heard(raw) == "pong"


def test_pings_are_answered_in_order_with_what_they_carry(raw: Raw) -> None:
    payloads = [bytes([number]) * number for number in (0, 1, 125)]
    raw.send(b"".join(frame(PING, payload) for payload in payloads))
    assert [raw.receive() for _ in payloads] == [Received(0x80 | PONG, payload) for payload in payloads]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_frames_may_be_cut_at_any_byte(raw: Raw, size: int) -> None:
    sent = frame(TEXT, PING_FRAME) + frame(PING, b"x" * 120) + frame(TEXT, PING_FRAME, mask=b"\0\0\0\0")
    for piece in in_pieces(sent, size):
        raw.send(piece)
    received = [raw.receive() for _ in range(3)]
    assert Received(0x80 | PONG, b"x" * 120) in received
    assert sum(one.payload.startswith(b'{"type":"pong"') for one in received) == 2


def test_many_frames_in_one_read_are_answered_one_after_another(raw: Raw) -> None:
    for number in range(3):
        raw.send(frame(TEXT, PING_FRAME) * 15 + frame(PING, bytes([number])))
    received = [raw.receive() for _ in range(48)]
    pongs = [one.payload for one in received if one.opcode == PONG]
    assert pongs == [b"\0", b"\1", b"\2"]
    assert sum(one.payload.startswith(b'{"type":"pong"') for one in received) == 45


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"{}", mask=None), 1002),
        (frame(TEXT, b"{}", reserved=4), 1002),
        (frame(TEXT, b"{}", reserved=2), 1002),
        (frame(TEXT, b"{}", reserved=1), 1002),
        (frame(PING, b"", reserved=4), 1002),
        *[(frame(opcode, b""), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (frame(PING, b"x" * 126), 1002),
        (frame(PONG, b"x" * 126), 1002),
        (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
        (frame(PING, b"", final=False), 1002),
        (frame(CONTINUATION, b"{}"), 1002),
        (frame(CONTINUATION, b"{}", final=False), 1002),
        (frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002),
        (frame(TEXT, b"{", final=False) + frame(BINARY, b"}"), 1002),
        # A length that is longer written than it need be, and one of 64 bits that is negative.
        (b"\x81\xfe\x00\x02" + b"\0" * 4 + b"{}", 1002),
        (b"\x81\xff" + b"\0" * 7 + b"\x02" + b"\0" * 4 + b"{}", 1002),
        (b"\x82\xff\xff" + b"\0" * 7, 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xc0\xaf"), 1007),
        (frame(TEXT, "가".encode()[:2]), 1007),
        (frame(TEXT, "가".encode()[:2], final=False) + frame(CONTINUATION, b"x", final=False), 1007),
        (frame(TEXT, "가".encode()[:2], final=False) + frame(CONTINUATION, b""), 1007),
        (frame(TEXT, b"x" * 16_385), 1009),
        (frame(BINARY, b"x" * 16_385)[:4], 1009),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (frame(TEXT, b"x" * 10_000, final=False) + frame(CONTINUATION, b"x" * 6_385), 1009),
    ],
    ids=_by_number,
)
def test_what_breaks_the_protocol_closes_with_its_code(raw: Raw, sent: bytes, code: int) -> None:
    raw.send(sent + frame(TEXT, PING_FRAME))
    received = raw.receive()
    assert (received.opcode, int.from_bytes(received.payload[:2], "big")) == (CLOSE, code)
    raw.send(close(code))
    assert raw.rest() == b""


def test_a_character_may_be_cut_between_fragments(raw: Raw) -> None:
    text = '{"type":"ping","timestamp":"가"}'.encode()
    raw.send(frame(TEXT, text[:-4], final=False) + frame(CONTINUATION, text[-4:]))
    assert heard(raw) == "pong"


def test_a_message_of_exactly_the_limit_passes_whole_and_in_fragments(raw: Raw) -> None:
    text = PING_FRAME + b" " * (16_384 - len(PING_FRAME))
    raw.send(frame(TEXT, text))
    assert heard(raw) == "pong"
    raw.send(b"".join([frame(TEXT, text, final=False), frame(CONTINUATION, b"")]))
    assert heard(raw) == "pong"


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_hundred_thousand_tiny_fragments_are_too_much(raw: Raw, payload: bytes) -> None:
    fragment = frame(CONTINUATION, payload, final=False)
    raw.send(frame(TEXT, b"", final=False))
    try:
        for _ in range(100):
            raw.send(fragment * 1_000)
    except OSError:
        pass  # the server had enough before
    assert raw.close_code() == 1009


# --- Closing ---


@pytest.mark.parametrize("code", [None, 1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])
def test_a_close_frame_is_answered_with_its_code_and_the_connection_ends(raw: Raw, code: int | None) -> None:
    raw.send(close(code, b"" if code is None else "잘 가".encode()))
    assert raw.close_code() == code
    assert raw.rest() == b""


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *[(close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535)],
        (frame(CLOSE, b"\x03"), 1002),
        (close(1000, b"\xff"), 1007),
    ],
    ids=_by_number,
)
def test_a_close_frame_that_may_not_be_is_answered_with_a_fault(raw: Raw, sent: bytes, code: int) -> None:
    raw.send(sent)
    assert raw.close_code() == code


def test_nothing_is_answered_after_a_close_frame(raw: Raw) -> None:
    raw.send(close(1000) + frame(PING, b"late") + frame(TEXT, PING_FRAME))
    assert raw.receive().opcode == CLOSE
    assert raw.rest() == b""


def test_a_client_that_does_not_answer_a_close_frame_is_dropped(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(farewell_seconds=0.5)
    with Raw(web.port) as raw:
        raw.open("/ws/stocks?token=wrong")
        assert raw.close_code() == 4401
        began = time.monotonic()
        raw.send(frame(PING, b"not answered any more"))
        assert raw.rest() == b""
        assert time.monotonic() - began < 5


def test_a_client_that_answers_the_close_frame_behind_other_frames_ends_well(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        raw.open("/ws/stocks?token=wrong")
        raw.send(frame(TEXT, PING_FRAME) * 50 + close(4401))
        assert raw.close_code() == 4401
        assert raw.rest() == b""


# --- Time ---


def test_a_frame_that_does_not_come_to_its_end_closes_with_4408(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(message_seconds=0.5)
    unfinished = [frame(TEXT, PING_FRAME)[:-1], b"\x81", frame(TEXT, b"{", final=False)]
    for sent in unfinished:
        with Raw(web.port) as raw:
            raw.open_signed_in()
            raw.send(sent)
            assert raw.close_code() == 4408
    with Raw(web.port) as raw:
        raw.open_signed_in()
        began = time.monotonic()
        # One byte at a time, never silent for long: the frame as a whole is too slow.
        for byte in frame(TEXT, b" " * 100)[:50]:
            raw.send(bytes([byte]))
            time.sleep(0.02)
        assert raw.close_code() == 4408
        assert time.monotonic() - began < 5


def test_a_message_that_came_to_its_end_in_time_leaves_the_next_its_own_time(
    start_web: Callable[..., OwnWeb],
) -> None:
    web = start_web(message_seconds=1.0, heartbeat_seconds=3600)
    with Raw(web.port) as raw:
        raw.open_signed_in()
        sent = frame(TEXT, PING_FRAME)
        for start in range(6):
            # Each read ends within a message, none of them is slow.
            raw.send(sent[10:] * min(start, 1) + sent[:10])
            time.sleep(0.3)
        raw.send(sent[10:])
        assert [heard(raw) for _ in range(6)] == ["pong"] * 6


def test_a_silent_client_is_sent_pings_and_given_up_when_it_answers_none(
    start_web: Callable[..., OwnWeb],
) -> None:
    web = start_web(ping_seconds=0.5, silence_seconds=2.0, heartbeat_seconds=3600)
    with Raw(web.port) as answers, Raw(web.port) as silent:
        answers.open_signed_in()
        silent.open_signed_in()
        for _ in range(6):
            ping = answers.receive()
            assert ping.opcode == PING
            answers.send(frame(PONG, ping.payload))
        received = [silent.receive().opcode for _ in range(2)]
        assert received == [PING, PING]
        assert silent.close_code() == 4408
        assert answers.is_alive()


# --- permessage-deflate ---


def test_compression_is_answered_without_context_takeover(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        head = raw.open_signed_in(DEFLATE)
        answer = f"Sec-WebSocket-Extensions: permessage-deflate; {WITHOUT_TAKEOVER}"
        assert answer in head.split("\r\n")


def test_compressed_messages_are_read_whole_and_in_fragments(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        raw.open_signed_in(DEFLATE)
        body = deflated(PING_FRAME)
        raw.send(frame(TEXT, body, reserved=4))
        raw.send(frame(TEXT, body[:4], reserved=4, final=False) + frame(CONTINUATION, body[4:]))
        raw.send(frame(TEXT, PING_FRAME))
        assert [heard(raw) for _ in range(3)] == ["pong"] * 3


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, deflated(b" " * 16_385), reserved=4), 1009),
        (frame(TEXT, deflated(b" " * 10_000_000), reserved=4), 1009),
        (frame(TEXT, b"\xff\xff\xff\xff", reserved=4), 1002),
        (frame(TEXT, b"", reserved=4, final=False) + frame(CONTINUATION, b"", reserved=4), 1002),
        (frame(PING, b"", reserved=4), 1002),
        (frame(TEXT, deflated(b"\xff"), reserved=4), 1007),
    ],
    ids=_by_number,
)
def test_a_compressed_message_is_held_to_the_same_limits(web: OwnWeb, sent: bytes, code: int) -> None:
    with Raw(web.port) as raw:
        raw.open_signed_in(DEFLATE)
        raw.send(sent)
        assert raw.close_code() == code


def test_an_offer_that_cannot_be_met_leaves_the_connection_uncompressed(web: OwnWeb) -> None:
    with Raw(web.port) as raw:
        head = raw.open_signed_in("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9")
        assert "Extensions" not in head
        raw.send(frame(TEXT, deflated(PING_FRAME), reserved=4))
        assert raw.close_code() == 1002


# --- The server stops ---


def test_sigterm_closes_every_client_with_1012(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    clients = [Raw(web.port) for _ in range(60)]
    for raw in clients:
        raw.open_signed_in()
    web.process.terminate()
    assert [raw.close_code() for raw in clients] == [1012] * 60
    for raw in clients:
        raw.send(close(1012))
        assert raw.rest() == b""
        raw.socket.close()
    assert web.process.wait(15) in (0, -15)
    assert "Traceback" not in web.written()


def test_a_client_that_never_reads_does_not_hold_the_server_up(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(farewell_seconds=0.5)
    with Raw(web.port) as raw:
        raw.open_signed_in()
        web.process.terminate()
        until(lambda: web.process.poll() is not None, "the server ends")
    assert "Traceback" not in web.written()
