from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from realtime.publish import publish
from realtime.tests.servers import OwnWeb, until
from realtime.tests.talking import price, signed_in, talking

pytestmark = pytest.mark.usefixtures("floor")

SERVERS = ("slim", "uvicorn")


def test_it_works(web: OwnWeb) -> None:
    with talking(web) as talk:
        hello = talk.hear()
        assert hello["type"] == "hello"
        assert (hello["tier"], hello["expires_at"]) == ("free", None)
        assert hello["limits"] == {
            "rooms": 3,
            "connections": 2,
            "frame_bytes": 16_384,
            "frames_per_minute": 1_200,
        }
        assert hello["heartbeat_seconds"] == 30
        assert len(hello["session"]) == 16
        asked = {"type": "subscribe", "stock_code": "005930", "timestamp": "2025-11-09T10:30:00Z"}
        ack = talk.ask(asked)
        assert (ack["type"], ack["stock_code"], ack["snapshot"]) == ("subscribed", "005930", None)
        publish([price("price:005930", 75_000)])
        update = talk.hear()
        assert (update["type"], update["sequence"]) == ("price_update", 1)
        assert update["data"] == {"current_price": 75_000}
        assert talk.ask({"type": "ping"})["type"] == "pong"
        left = talk.ask({"type": "unsubscribe", "stock_code": "005930"})
        assert left.keys() == {"type", "stock_code", "timestamp"}
        assert (left["type"], left["stock_code"]) == ("unsubscribed", "005930")
        publish([price("price:005930", 75_100)])
        assert talk.ask({"type": "ping"})["type"] == "pong"


def test_the_token_may_come_in_the_first_frame(web: OwnWeb) -> None:
    with talking(web, "") as talk:
        assert talk.ask({"type": "auth", "token": "pro"})["limits"]["rooms"] == 500


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer basic"}, {"Authorization": "token basic"}, {"X-API-Key": "basic"}],
    ids=lambda headers: next(iter(headers.values())),
)
def test_the_token_may_come_in_a_header(web: OwnWeb, headers: dict[str, str]) -> None:
    with talking(web, "", additional_headers=headers) as talk:
        assert talk.hear()["limits"]["rooms"] == 100


@pytest.mark.parametrize(
    "query", ["?token=wrong", "?token=" + "x" * 5_000, "?token=free:-1", "?token=free%00"]
)
def test_a_refused_token_closes_with_4401(web: OwnWeb, query: str) -> None:
    with talking(web, query) as talk:
        assert talk.close_code() == (4401, "the token is invalid or has expired")


def test_a_refused_token_in_the_first_frame_closes_with_4401(web: OwnWeb) -> None:
    with talking(web, "") as talk:
        talk.say({"type": "auth", "token": "wrong"})
        assert talk.close_code()[0] == 4401


def test_whoever_asks_before_signing_in_is_closed_with_4401(web: OwnWeb) -> None:
    publish([price("price:A", 1)])
    with talking(web, "") as talk:
        talk.say({"type": "subscribe", "stock_code": "A"})
        assert talk.close_code() == (4401, "the first frame must be auth")


def test_whoever_sends_no_token_in_time_is_closed_with_4401(start_web: Callable[..., OwnWeb]) -> None:
    with talking(start_web(authenticate_seconds=0.2), "") as talk:
        assert talk.close_code() == (4401, "no token came")


def test_a_connection_ends_with_its_token(web: OwnWeb) -> None:
    with signed_in(web, "free:1.5") as talk:
        assert talk.close_code() == (4401, "the token has expired")


def test_a_database_that_is_away_refuses_with_1013_only_those_who_need_it(web: OwnWeb) -> None:
    with talking(web, "?token=away") as talk, signed_in(web):
        assert talk.close_code() == (1013, "The token cannot be checked now.")


def test_a_connection_ends_before_it_is_too_old(start_web: Callable[..., OwnWeb]) -> None:
    began = time.monotonic()
    with signed_in(start_web(max_age_seconds=2)) as talk:
        assert talk.close_code() == (4410, "this connection was open for long enough; connect again")
    assert time.monotonic() - began >= 1.8


@pytest.mark.parametrize(
    ("server", "level"), [("slim", "debug"), ("uvicorn", "info"), ("uvicorn", "debug"), ("uvicorn", "trace")]
)
def test_no_token_is_in_the_servers_log(start_web: Callable[..., OwnWeb], server: str, level: str) -> None:
    web = start_web(server, log_level=level)
    with talking(web, "?token=free:777.0123&x=%20") as talk:
        talk.hear()
    with talking(web, "?%74oken=stolen") as talk:
        assert talk.close_code()[0] == 4401
    with talking(web, "", additional_headers={"Authorization": "Bearer free:888.0123"}) as talk:
        talk.hear()
    with talking(web, "", additional_headers={"X-API-Key": "free:999.0123"}) as talk:
        talk.hear()
    with talking(web, "") as talk:
        assert talk.ask({"type": "auth", "token": "free:666.0123:alice"})["type"] == "hello"
        assert talk.ask({"type": "auth", "token": "free:555.0123:alice"})["type"] == "authenticated"
        talk.say({"type": "auth", "token": "crooked"})
        assert talk.close_code()[0] == 4401
    with talking(web, "") as talk:
        talk.say('{"type":"auth","token":"halfway"')
        assert talk.ask({"type": "auth", "token": "overlong" * 600})["error"] == "BAD_FRAME"
    with talking(web, "?token=away") as talk:
        assert talk.close_code()[0] == 1013
    until(lambda: web.written().count("[accepted]") == 7, "seven handshakes are logged")
    web.stop()
    seconds = ("777.0", "888.0", "999.0", "666.0", "555.0")
    secrets = (*seconds, "stolen", "crooked", "halfway", "overlong", "oken=")
    assert not [secret for secret in secrets if secret in web.written()]
    assert level == "info" or server == "slim" or "DEBUG" in web.written()
