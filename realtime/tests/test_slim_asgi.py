"""Any ASGI application under the slim protocol, and the clients that people use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from realtime.publish import RoomEvent, publish
from realtime.tests.raw import TEXT, Raw, close, frame
from realtime.tests.servers import OwnWeb, until
from realtime.tests.talking import signed_in, talking

pytestmark = pytest.mark.usefixtures("floor")
SECONDS = 20.0


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnWeb]:
    log = tmp_path_factory.mktemp("echo") / "log"
    server = OwnWeb(os.environ["REDIS_URL"], log, app="realtime.tests.echo:application")
    yield server
    server.stop()


def address(web: OwnWeb, path: str) -> str:
    return f"ws://127.0.0.1:{web.port}{path}"


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back_as_they_went(echo: OwnWeb, compression: str | None) -> None:
    with connect(address(echo, "/echo"), compression=compression) as client:
        for message in ("", "가나다", "x" * 16_384, b"", b"\x00\xff" * 5_000):
            client.send(message)
            assert client.recv(timeout=SECONDS) == message
        client.send(["frag", "men", "", "ts"])
        assert client.recv(timeout=SECONDS) == "fragments"
        assert client.ping("are you there").wait(SECONDS)
    until(lambda: "disconnected 1000" in echo.written(), "the application is told")


def test_a_client_with_windows_of_its_own_is_served(echo: OwnWeb) -> None:
    offer = ClientPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=9)
    with connect(address(echo, "/echo"), compression=None, extensions=[offer]) as client:
        assert client.protocol.extensions
        client.send("x" * 10_000)
        assert client.recv(timeout=SECONDS) == "x" * 10_000


def test_the_application_chooses_subprotocol_and_headers(echo: OwnWeb) -> None:
    with connect(address(echo, "/echo?a=1"), subprotocols=["two", "one"]) as client:  # type: ignore[list-item]
        assert client.subprotocol == "two"
        assert client.response is not None
        assert client.response.headers["x-query"] == "a=1"


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/refuse", 403, b""), ("/teapot", 418, b"short and stout"), ("/fail", 500, b""), ("/silent", 500, b"")],
)
def test_a_handshake_that_the_application_refuses_is_answered_with_http(
    echo: OwnWeb, path: str, status: int, body: bytes
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(address(echo, path))
    assert refused.value.response.status_code == status
    assert refused.value.response.body == body


def test_an_answer_that_would_be_split_is_refused(echo: OwnWeb) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(address(echo, "/split"))
    assert refused.value.response.status_code == 500


@pytest.mark.parametrize(
    ("path", "code", "reason"), [("/goodbye", 4000, "goodbye"), ("/fail-open", 1011, "")]
)
def test_the_application_ends_the_connection(echo: OwnWeb, path: str, code: int, reason: str) -> None:
    with connect(address(echo, path)) as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=SECONDS)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


def test_an_application_that_writes_after_its_close_is_told(echo: OwnWeb) -> None:
    with connect(address(echo, "/goodbye")) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=SECONDS)
    until(lambda: "told that it is too late" in echo.written(), "the application is told")


def test_an_application_that_sends_more_than_the_socket_takes_waits_for_it(echo: OwnWeb) -> None:
    with connect(address(echo, "/pour"), max_queue=1) as client:
        for number in range(2_000):
            assert client.recv(timeout=SECONDS) == number.to_bytes(2, "big") * 2_000


def test_an_application_that_takes_its_time_gets_every_frame(echo: OwnWeb) -> None:
    with Raw(echo.port) as raw:
        raw.open("/echo", behind=frame(TEXT, b"early") * 40)
        raw.send(frame(TEXT, b"late") * 2_000)
        received = [raw.receive().payload for _ in range(2_040)]
        assert received == [b"early"] * 40 + [b"late"] * 2_000
        raw.send(close(1000))
        assert raw.close_code() == 1000


def test_a_batch_comes_compressed_and_is_the_same_for_all(web: OwnWeb) -> None:
    events = [
        RoomEvent("market:KOSPI", "price_update", {"name": f"{n}", "p": "x" * 100}, f"{n}") for n in range(50)
    ]
    with talking(web) as packed, talking(web, compression=None) as plain:
        for talk in (packed, plain):
            talk.hear()
            talk.ask({"type": "subscribe", "rooms": ["market:KOSPI"]})
        publish(events)
        assert packed.hear_events(50) == plain.hear_events(50)


def test_a_token_is_in_no_log_line_of_the_handshake(web: OwnWeb) -> None:
    with signed_in(web, "free:4242"):
        pass
    until(lambda: '"WebSocket /ws/stocks" [accepted]' in web.written(), "the handshake is logged")
    assert "4242" not in web.written()
