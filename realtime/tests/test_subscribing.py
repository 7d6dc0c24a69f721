from __future__ import annotations

import pytest

from realtime.publish import publish
from realtime.tests.servers import OwnWeb
from realtime.tests.talking import price, signed_in

pytestmark = pytest.mark.usefixtures("floor")


def test_the_ack_of_rooms_has_snapshot_and_position_of_each_and_the_whole_set(web: OwnWeb) -> None:
    publish(
        [
            price("price:A", 1),
            price("price:A", 2),
            price("market:KOSPI", 5, "X"),
            price("market:KOSPI", 6, "Y"),
        ]
    )
    with signed_in(web) as talk:
        talk.ask({"type": "subscribe", "stock_code": "B"})
        ack = talk.ask({"type": "subscribe", "rooms": ["price:A", "market:KOSPI"]})
        assert ack["type"] == "subscribed"
        assert ack["rooms"].keys() == {"price:A", "price:B", "market:KOSPI"}
        assert ack["rooms"]["price:A"]["sequence"] == 2
        assert ack["rooms"]["price:A"]["snapshot"]["data"] == {"current_price": 2}
        assert ack["rooms"]["price:A"]["snapshot"]["sequence"] == 2
        assert ack["rooms"]["price:B"].keys() == {"epoch", "sequence"}
        whole = ack["rooms"]["market:KOSPI"]["snapshot"]
        assert whole["type"] == "batch"
        assert [message["stock_code"] for message in whole["messages"]] == ["X", "Y"]
        publish([price("price:A", 3)])
        assert talk.hear()["sequence"] == 3


def test_an_ack_of_a_stock_carries_its_last_price(web: OwnWeb) -> None:
    publish([price("price:A", 7)])
    with signed_in(web) as talk:
        ack = talk.ask({"type": "subscribe", "stock_code": "A"})
        assert (ack["sequence"], ack["snapshot"]["data"]) == (1, {"current_price": 7})


def test_asking_again_gives_the_snapshot_again_and_no_event_twice(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        for value in range(1, 40):
            talk.say({"type": "subscribe", "rooms": ["price:A"]})
            publish([price("price:A", value)])
        talk.say({"type": "ping"})
        seen = 0
        while (frame := talk.hear())["type"] != "pong":
            for part in frame.get("messages", [frame]):
                acked = part["type"] == "subscribed"
                at = part["rooms"]["price:A"]["sequence"] if acked else part["sequence"]
                assert at >= seen if acked else at > seen
                seen = at
        assert seen > 0


def test_where_redis_holds_nothing_the_rooms_owner_gives_the_snapshot(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        ack = talk.ask({"type": "subscribe", "stock_code": "stored"})
        assert ack["sequence"] == 0
        assert ack["snapshot"]["data"] == {"current_price": 100}
        assert ack["snapshot"]["room"] == "price:stored"
        publish([price("price:stored", 101)])
        assert talk.hear()["sequence"] == 1
    with signed_in(web) as talk:
        ack = talk.ask({"type": "subscribe", "stock_code": "stored"})
        assert ack["snapshot"]["data"] == {"current_price": 101}


def test_refused_rooms_are_told_one_by_one_and_the_others_are_joined(web: OwnWeb) -> None:
    asked = ["price:*", "price:secret", "price:nowhere", "weather:Seoul", "price:A"]
    with signed_in(web) as talk:
        talk.say({"type": "subscribe", "rooms": asked})
        errors = {frame["room"]: frame for frame in (talk.hear() for _ in range(4))}
        assert {room: (frame["error"], frame["code"]) for room, frame in errors.items()} == {
            "price:*": ("INVALID_ROOM", 4422),
            "price:secret": ("NOT_YOURS", 4403),
            "price:nowhere": ("STOCK_NOT_FOUND", 4404),
            "weather:Seoul": ("ROOM_UNKNOWN", 4404),
        }
        assert errors["price:nowhere"]["details"] == {"code": "nowhere"}
        assert talk.hear()["rooms"].keys() == {"price:A"}
        publish([price("price:secret", 1), price("price:A", 1)])
        assert talk.hear()["room"] == "price:A"


def test_a_room_that_is_known_without_asking_is_not_asked_for(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        for room, error in (
            ("price:closed", ("ROOM_FORBIDDEN", 4403)),
            ("price:gone", ("STOCK_NOT_FOUND", 4404)),
        ):
            refused = talk.ask({"type": "subscribe", "rooms": [room]})
            assert (refused["error"], refused["code"]) == error
            assert refused["room"] == room
            assert talk.hear()["rooms"] == {}
        assert list(talk.ask({"type": "subscribe", "rooms": ["price:known"]})["rooms"]) == ["price:known"]
        # Where it is not known, what the room's owner says counts.
        assert talk.ask({"type": "subscribe", "rooms": ["market:known"]})["error"] == "ROOM_FORBIDDEN"


def test_a_refused_stock_is_an_error_that_names_it_and_no_ack(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        frame = talk.ask({"type": "subscribe", "stock_code": "nowhere"})
        assert (frame["type"], frame["error"], frame["stock_code"]) == ("error", "STOCK_NOT_FOUND", "nowhere")
        assert talk.ask({"type": "ping"})["type"] == "pong"


@pytest.mark.parametrize("code", ["a\u0000b", "‮", "*"])
def test_a_hostile_stock_code_is_an_error_frame(web: OwnWeb, code: str) -> None:
    with signed_in(web) as talk:
        assert talk.ask({"type": "subscribe", "stock_code": code})["error"] == "INVALID_ROOM"


@pytest.mark.parametrize(("token", "most"), [("free", 3), ("basic", 100), ("pro", 500)])
def test_a_tier_has_so_many_rooms_and_no_more(web: OwnWeb, token: str, most: int) -> None:
    with signed_in(web, token) as talk:
        rooms = [f"price:S{number}" for number in range(most)]
        assert len(talk.ask({"type": "subscribe", "rooms": rooms})["rooms"]) == most
        over = talk.ask({"type": "subscribe", "stock_code": "extra"})
        assert (over["error"], over["code"], over["details"]) == ("ROOM_LIMIT", 4429, {"limit": most})
        assert talk.ask({"type": "subscribe", "stock_code": "S0"})["type"] == "subscribed"
        talk.ask({"type": "unsubscribe", "stock_code": "S0"})
        assert talk.ask({"type": "subscribe", "stock_code": "extra"})["type"] == "subscribed"


def test_unsubscribing_rooms_says_what_was_left_and_what_remains(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        talk.ask({"type": "subscribe", "rooms": ["price:A", "price:B"]})
        left = talk.ask({"type": "unsubscribe", "rooms": ["price:A", "price:never", "price:*"]})
        assert (left["left"], left["rooms"]) == (["price:A"], ["price:B"])


def test_codes_of_all_exchanges_are_rooms(web: OwnWeb) -> None:
    with signed_in(web, "pro") as talk:
        for code in ("^NSEI", "BRK.B", "BTC-USD", "삼성전자"):
            assert talk.ask({"type": "subscribe", "stock_code": code})["stock_code"] == code
            publish([price(f"price:{code}", 1)])
            assert talk.hear()["stock_code"] == f"price:{code}"
