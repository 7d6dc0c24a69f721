"""Reading what a room said last"""

from __future__ import annotations

from decimal import Decimal

import pytest
import redis

from realtime import keys
from realtime.publish import RoomEvent, publish
from realtime.snapshots import newest

pytestmark = pytest.mark.usefixtures("redis_client")


def test_it_works():
    for price in ("1.10", "71000.12345678"):
        publish([RoomEvent("price:A", "price_update", {"price": Decimal(price)})])
    message = newest("price:A")
    assert message is not None
    assert (message["type"], message["room"], message["sequence"]) == ("price_update", "price:A", 2)
    assert message["price"] == Decimal("71000.12345678")
    assert message["timestamp"].endswith("Z")


def test_a_room_that_never_spoke_has_said_nothing():
    assert newest("price:NOBODY") is None


@pytest.mark.parametrize("payload", [b"", b"1 e", b"1 e \0{", b"1 e \0[]"])
def test_what_the_publisher_did_not_write_is_nothing(redis_client: redis.Redis, payload: bytes):
    redis_client.hset(keys.NEWEST, "price:A", payload)
    assert newest("price:A") is None
