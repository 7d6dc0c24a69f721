"""The door of Server-Sent Events."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from realtime.control import tell_user
from realtime.publish import RoomEvent, publish
from realtime.tests.cast import change, user_id_of
from realtime.tests.listening import inside, listening, streaming
from realtime.tests.servers import OwnValkey, OwnWeb, until
from realtime.tests.talking import price, talking

pytestmark = pytest.mark.usefixtures("floor")


def test_it_works(web: OwnWeb) -> None:
    publish([price("price:A", 1)])
    with listening(web, "?rooms=price:A,market:KOSPI", token="basic") as listener:
        assert listener.status == 200
        assert listener.headers["Content-Type"] == "text/event-stream"
        assert listener.headers["Cache-Control"].startswith("no-store")
        assert listener.headers["X-Accel-Buffering"] == "no"
        assert listener.headers["X-Content-Type-Options"] == "nosniff"
        first = listener.block()
        assert first is not None
        assert first.retry == 3000
        hello = listener.hear("hello").data
        assert hello["limits"]["rooms"] == 100
        rooms = listener.hear("subscribed").data["rooms"]
        assert rooms.keys() == {"price:A", "market:KOSPI"}
        assert rooms["price:A"]["snapshot"]["data"] == {"current_price": 1}
        publish([price("price:A", 2)])
        block = listener.hear("price_update")
        assert (block.data["sequence"], block.data["data"]) == (2, {"current_price": 2})
        # In a room of whole values there is nothing to resume.
        assert block.id is None


def test_events_that_are_due_together_come_one_by_one(web: OwnWeb) -> None:
    with streaming(web, "?rooms=market:KOSPI") as listener:
        publish([price("market:KOSPI", value, f"S{value}") for value in range(50)])
        seen = {listener.hear("price_update").data["stock_code"] for _ in range(50)}
        assert seen == {f"S{value}" for value in range(50)}


def test_without_rooms_a_stream_has_those_of_its_user(web: OwnWeb) -> None:
    with listening(web, token="basic") as listener:
        listener.hear("hello")
        # One that is refused does not stand in the way of the others.
        assert listener.hear("error").data["error"] == "NOT_YOURS"
        assert listener.hear("subscribed").data["rooms"].keys() == {"price:mine"}
        publish([price("price:mine", 5)])
        assert listener.hear("price_update").data["room"] == "price:mine"


def test_a_stream_without_any_room_stays_open(start_web: Callable[..., OwnWeb]) -> None:
    with listening(start_web(keep_alive_seconds=1)) as listener:
        assert listener.hear("hello")
        assert listener.hear("subscribed").data["rooms"] == {}
        comments = [listener.block() for _ in range(2)]
        assert [block.comment for block in comments if block is not None] == ["keep-alive", "keep-alive"]


@pytest.mark.parametrize(
    ("query", "token", "status", "error"),
    [
        ("?rooms=price:A", None, 401, "UNAUTHORIZED"),
        ("?rooms=price:A", "wrong", 401, "UNAUTHORIZED"),
        ("?rooms=price:A", "free:-1", 401, "UNAUTHORIZED"),
        ("?rooms=price:A,price:secret", "free", 403, "NOT_YOURS"),
        ("?rooms=price:nowhere", "free", 404, "STOCK_NOT_FOUND"),
        ("?rooms=weather:Seoul", "free", 404, "ROOM_UNKNOWN"),
        ("?rooms=price:*", "free", 422, "INVALID_ROOM"),
        ("?rooms=A", "free", 422, "INVALID_ROOM"),
        ("?rooms=price:A,price:B,price:C,price:D", "free", 429, "ROOM_LIMIT"),
        ("?rooms=price:unreachable", "free", 503, "SERVICE_UNAVAILABLE"),
        ("?rooms=price:broken", "free", 500, "INTERNAL_ERROR"),
        ("?rooms=", "free", 400, "VALIDATION_ERROR"),
        ("?rooms=price:A&rooms=price:B", "free", 400, "VALIDATION_ERROR"),
        ("?token=free", None, 400, "VALIDATION_ERROR"),
        ("?rooms=%ff", "free", 400, "VALIDATION_ERROR"),
        ("?last_event_id=x", "free", 400, "VALIDATION_ERROR"),
    ],
)
def test_what_is_refused_is_an_error_of_http(
    web: OwnWeb, query: str, token: str | None, status: int, error: str
) -> None:
    with listening(web, query, token=token) as listener:
        body = listener.error()
        assert (body["status"], body["error"], body["path"]) == (status, error, "/v1/events")
        assert listener.headers["X-Content-Type-Options"] == "nosniff"
        assert (listener.headers["WWW-Authenticate"] == "Bearer") == (status == 401)
        assert (listener.headers["Retry-After"] is not None) == (status >= 500)
    until(lambda: inside(web)["clients"] == 0, "nothing is left of it")


def test_refused_rooms_are_named_one_by_one(web: OwnWeb) -> None:
    with listening(web, "?rooms=price:secret,price:nowhere,price:A") as listener:
        details = listener.error()["details"]
        assert {room: told["error"] for room, told in details["rooms"].items()} == {
            "price:secret": "NOT_YOURS",
            "price:nowhere": "STOCK_NOT_FOUND",
        }
        assert details["rooms"]["price:nowhere"]["details"] == {"code": "nowhere"}


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PUT", "DELETE"])
def test_other_methods_are_refused(web: OwnWeb, method: str) -> None:
    with listening(web, method=method) as listener:
        assert (listener.status, listener.headers["Allow"]) == (405, "GET")
        assert bool(listener.response.read()) == (method != "HEAD")


def test_a_request_with_a_body_is_refused(web: OwnWeb) -> None:
    with listening(web, headers={"Content-Length": "5"}) as listener:
        assert listener.error()["error"] == "VALIDATION_ERROR"


def test_a_request_keeps_its_own_id(web: OwnWeb) -> None:
    with listening(web, headers={"X-Request-ID": "my-request-1"}) as listener:
        assert listener.headers["X-Request-ID"] == "my-request-1"


def test_a_room_with_a_comma_in_its_name_can_be_asked_for(web: OwnWeb) -> None:
    with listening(web, "?rooms=market:Food,%20Beverage,price:A,") as listener:
        listener.hear("hello")
        assert listener.hear("subscribed").data["rooms"].keys() == {"market:Food, Beverage", "price:A"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://{host}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_cookie_signs_in_pages_of_this_site_alone(
    web: OwnWeb, headers: dict[str, str], status: int
) -> None:
    host = f"127.0.0.1:{web.port}"
    headers = {name: value.format(host=host) for name, value in headers.items()}
    cookie = {"Cookie": "theme=dark; sessionid=cookie-free"}
    with listening(web, token=None, headers=headers | cookie) as listener:
        assert listener.status == status


def test_a_wrong_cookie_is_nobody_and_no_token_is_a_cookie(web: OwnWeb) -> None:
    for cookie in ("free", "cookie-wrong"):
        with listening(web, token=None, headers={"Cookie": f"sessionid={cookie}"}) as listener:
            assert listener.error()["status"] == 401
    with listening(web, token="cookie-free") as listener:
        assert listener.error()["status"] == 401


def test_streams_and_websockets_of_a_user_are_counted_together(web: OwnWeb) -> None:
    token = "free:60:carol"
    with talking(web, f"?token={token}") as talk, listening(web, token=token) as first:
        assert talk.hear()["type"] == "hello"
        session = first.hear("hello").data["session"]
        with listening(web, token=token) as over:
            assert over.error()["error"] == "CONNECTION_LIMIT"
            assert (over.status, over.headers["Retry-After"]) == (429, "2")
        # One that comes back before the server knows that the other has gone takes its place.
        with listening(web, f"?session={session}", token=token) as again:
            assert again.hear("hello").data["session"] != session
            assert first.hear_until("close").data["name"] == "CONNECTION_LIMIT"


def test_a_change_of_tier_is_told_and_the_end_of_a_session_ends_the_stream(web: OwnWeb) -> None:
    with listening(web, "?rooms=price:A", token="free:3600:dora") as listener:
        listener.hear_until("subscribed")
        change("dora", "pro")
        tell_user(user_id_of("dora"))
        assert listener.hear("limits").data["tier"] == "pro"
        change("dora", "gone")
        tell_user(user_id_of("dora"))
        assert listener.hear("close").data["code"] == 4401
        assert listener.block() is None


def test_a_stream_ends_with_its_token(web: OwnWeb) -> None:
    with listening(web, token="free:1.5") as listener:
        closing = listener.hear_until("close").data
        assert (closing["code"], closing["name"], closing["reconnect"]) == (4401, "UNAUTHORIZED", False)
        assert closing["reason"] == "the token has expired"
        assert listener.block() is None


@pytest.mark.parametrize("server", ["slim", "uvicorn", "workers", "daphne"])
def test_a_server_that_stops_says_so_and_ends(start_web: Callable[..., OwnWeb], server: str) -> None:
    web = start_web(server)
    with streaming(web, "?rooms=price:A") as listener, streaming(web) as other:
        web.process.terminate()
        closing = listener.hear("close").data
        assert (closing["code"], closing["name"], closing["reconnect"]) == (1012, "RESTARTING", True)
        assert listener.block() is None
        assert other.hear("close").data["code"] == 1012
    web.process.wait(4)
    assert "Traceback" not in web.written()


def test_500_clients_that_vanish_leave_nothing(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    with streaming(web, "?rooms=price:A"):
        pass
    until(lambda: inside(web)["clients"] == 0, "the first has left")
    before = inside(web)["tasks"]
    request = (
        f"GET /v1/events?rooms=price:A HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        "Authorization: Bearer free\r\n\r\n"
    ).encode()
    clients = []
    for _ in range(500):
        client = socket.create_connection(("127.0.0.1", web.port), timeout=20)
        client.sendall(request)
        clients.append(client)
    until(lambda: inside(web)["clients"] == 500, "all have come")
    for number, client in enumerate(clients):
        if number % 2:
            # A reset in place of a goodbye.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    until(lambda: inside(web)["clients"] == 0, "all have left")
    until(lambda: inside(web)["rooms"] == [], "their room is let go")
    until(lambda: inside(web)["tasks"] <= before, "nothing of them runs any more")
    assert "Traceback" not in web.written()


def test_a_client_that_never_reads_is_dropped_and_the_others_get_everything(
    start_web: Callable[..., OwnWeb], redis_client: redis.Redis
) -> None:
    web = start_web(send_seconds=0.5, farewell_seconds=0.3)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.settimeout(20)
    with stalled, streaming(web, "?rooms=market:KOSPI") as reader:
        stalled.connect(("127.0.0.1", web.port))
        stalled.sendall(
            b"GET /v1/events?rooms=market:KOSPI,price:mine HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer free\r\n\r\n"
        )
        until(lambda: "price:mine" in inside(web)["rooms"], "the stalled client has subscribed")
        for call in range(30):
            wanted = {f"{call}-{number}" for number in range(100)}
            publish(
                [
                    RoomEvent("market:KOSPI", "price_update", {"name": name, "padding": "x" * 500}, name)
                    for name in sorted(wanted)
                ]
            )
            while wanted:
                wanted.discard(reader.hear("price_update").data["name"])
        until(lambda: inside(web)["rooms"] == ["market:KOSPI"], "the stalled client is given up")
    assert inside(web)["closed"] == {"SLOW_CLIENT": 1}
    assert "Traceback" not in web.written()


def test_daphne_serves_the_same_stream(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web("daphne")
    with streaming(web, "?rooms=price:A") as listener:
        publish([price("price:A", 1)])
        assert listener.hear("price_update").data["sequence"] == 1
    until(lambda: inside(web)["clients"] == 0, "it is told that the client has left")
    with listening(web, "?ticket=stolen", token=None) as listener:
        assert listener.error()["status"] == 401
    with listening(web, "?ticket=free:0.5", token=None) as listener:
        listener.hear("hello")
        while (block := listener.block()) is not None:
            last = block
        assert last.event == "close"
    assert "stolen" not in web.written()
    assert "free:0" not in web.written()


def test_a_stream_without_redis_is_refused_with_503(own_valkey: OwnValkey, tmp_path: Path) -> None:
    own_valkey.kill()
    web = OwnWeb(own_valkey.url, tmp_path / "log", join_seconds=0.3, link_grace_seconds=60)
    try:
        with listening(web, "?rooms=price:A") as listener:
            assert listener.error()["error"] == "SERVICE_UNAVAILABLE"
            assert listener.headers["Retry-After"] == "2"
    finally:
        web.stop()


def test_no_ticket_is_in_the_servers_log(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    with streaming(web, "?ticket=free:777", token=None):
        pass
    with listening(web, "?ticket=stolen", token=None) as listener:
        assert listener.error()["status"] == 401
    until(lambda: web.written().count("GET /v1/events") == 2, "both requests are logged")
    assert not [secret for secret in ("777", "stolen", "icket") if secret in web.written()]


def test_granian_serves_the_same_stream(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web("granian")
    with streaming(web, "?rooms=market:KOSPI") as listener:
        publish([price("market:KOSPI", value, f"S{value}") for value in range(20)])
        seen = {listener.hear("price_update").data["stock_code"] for _ in range(20)}
        assert len(seen) == 20
        assert inside(web)["clients"] == 1
    until(lambda: inside(web)["clients"] == 0, "it is told that the client has left")
    with listening(web, "?ticket=free:1", token=None) as listener:
        assert listener.hear_until("close").data["code"] == 4401
        assert listener.block() is None
    assert "free:1" not in web.written()
