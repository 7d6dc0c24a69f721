"""A client that sends too much is told, then closed, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from realtime.publish import publish
from realtime.tests.servers import OwnWeb
from realtime.tests.talking import price, signed_in, talking

pytestmark = pytest.mark.usefixtures("floor")


def test_frames_that_come_too_fast_are_an_error_once_and_are_answered_again_later(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        for _ in range(80):
            talk.say({"type": "ping"})
        heard = [talk.hear()]
        while heard[-1]["type"] != "error":
            heard.append(talk.hear())
        answered = [frame for frame in heard if frame["type"] == "pong"]
        errors = [frame for frame in heard if frame["type"] == "error"]
        assert [(frame["error"], frame["code"]) for frame in errors] == [("FRAME_LIMIT", 4429)]
        assert 60 <= len(answered) < 80
        time.sleep(0.5)
        assert talk.ask({"type": "ping"})["type"] == "pong"


def test_twenty_frames_a_second_may_go_on(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        began = time.monotonic()
        for number in range(100):
            assert talk.ask({"type": "ping"})["type"] == "pong"
            time.sleep(max(0.0, began + (number + 1) / 20 - time.monotonic()))


def test_ten_thousand_subscribes_close_with_4430_and_others_wait_for_nothing(web: OwnWeb) -> None:
    with signed_in(web, "pro") as other, signed_in(web, "pro") as talk:
        other.ask({"type": "subscribe", "stock_code": "A"})
        frame = '{"type":"subscribe","rooms":[%s]}'
        for number in range(10_000):
            names = ",".join(f'"price:R{number}x{key}"' for key in range(10))
            try:
                talk.say(frame % names)
            except ConnectionClosed:
                break
            if number % 1_000 == 0:
                began = time.monotonic()
                publish([price("price:A", number + 1)])
                assert other.hear()["data"] == {"current_price": number + 1}
                assert time.monotonic() - began < 1
        assert talk.close_code()[0] == 4430
        assert other.ask({"type": "ping"})["type"] == "pong"


def test_a_frame_of_many_rooms_counts_as_several(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(frames_at_once=10, frames_per_second=0.5)
    with signed_in(web, "pro") as talk:
        talk.ask({"type": "subscribe", "rooms": [f"price:M{number}" for number in range(480)]})
        assert talk.ask({"type": "ping"})["error"] == "FRAME_LIMIT"


def test_frames_before_signing_in_are_counted_too(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web(frames_at_once=3, frames_per_second=0.1, frames_refused=5, bad_frames=1_000)
    with talking(web, "") as talk:
        for _ in range(9):
            talk.say("{")
        heard = [talk.hear()["error"] for _ in range(4)]
        assert heard == ["BAD_FRAME"] * 3 + ["FRAME_LIMIT"]
        assert talk.close_code()[0] == 4430
