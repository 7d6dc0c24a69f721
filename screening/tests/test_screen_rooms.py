"""Who may be in the room of a screen, and what they hear there"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from screening.models import SavedScreen
from screening.services.saved import screen_delete, screen_share, screen_unshare
from screening.tests.live_cases import at, listed, saved
from stocks import stream
from stocks.tests.tick_cases import update

if TYPE_CHECKING:
    from config.testing import LiveStack

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
SOON = 30.0


class Talk:
    """A user's connection, and everything that came on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def say(self, frame: dict[str, Any]) -> None:
        self._socket.send(json.dumps(frame))

    def hear(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these types; those of a batch one after the other."""
        deadline = time.monotonic() + SOON
        while True:
            message = json.loads(self._socket.recv(timeout=max(deadline - time.monotonic(), 0.01)))
            for one in message["messages"] if message["type"] == "batch" else [message]:
                if one["type"] in kinds:
                    assert isinstance(one, dict)
                    return one

    def event(self, *events: str) -> dict[str, Any]:
        """What the next of these events of a screen says."""
        while (data := self.hear("screen")["data"])["event"] not in events:
            pass
        assert isinstance(data, dict)
        return data

    def join(self, screen: SavedScreen | str) -> dict[str, Any]:
        """The standing of a screen's room, or the error."""
        room = screen if isinstance(screen, str) else f"screen:{screen.pk}"
        self.say({"type": "subscribe", "rooms": [room]})
        answer = self.hear("subscribed", "error")
        if answer["type"] == "error":
            self.hear("subscribed")
            return answer
        standing = answer["rooms"][room]
        assert isinstance(standing, dict)
        return standing


@contextmanager
def talking(stack: LiveStack, user: User) -> Iterator[Talk]:
    with connect(f"{stack.websocket_url}/ws/stocks", proxy=None) as socket:
        talk = Talk(socket)
        talk.say({"type": "auth", "token": session_start(user=user).access_token})
        talk.hear("hello")
        yield talk


@pytest.fixture
def screen(transactional_db: None) -> SavedScreen:
    listed("A"), listed("B", 120)
    return saved()


def test_the_owner_joins_and_hears_who_enters_and_leaves(live_stack, redis_client, screen):
    stream.ensure_group(redis_client, "screens")
    live_stack.manage("evaluate_screens")
    with talking(live_stack, screen.user) as talk:
        snapshot = talk.join(screen)["snapshot"]["data"]
        assert (snapshot["total"], [row["code"] for row in snapshot["stocks"]]) == (1, ["B"])
        begun = talk.event("members")
        assert (begun["live"], begun["total"]) == (True, 1)
        stream.append(redis_client, update(at(115, "A")))
        entered = talk.event("enter")
        assert (entered["stock_code"], entered["total"]) == ("A", 2)
        assert entered["stock"]["close_price"] == 115
        stream.append(redis_client, update(at(116, "A")))
        assert [row["close_price"] for row in talk.event("update")["stocks"]] == [116]
        stream.append(redis_client, update(at(100, "B")))
        assert talk.event("leave")["stock_code"] == "B"
        with talking(live_stack, screen.user) as second:
            later = second.join(screen)["snapshot"]["data"]
        assert (later["live"], later["total"]) == (True, 1)
        assert [row["code"] for row in later["stocks"]] == ["A"]
        changed = time.monotonic()
        screen_delete(user=screen.user, screen_id=screen.pk)
        talk.event("gone")
        assert time.monotonic() - changed < 10


def test_a_stranger_is_told_that_there_is_no_such_screen(live_stack, screen):
    with talking(live_stack, UserFactory.create()) as talk:
        for room in (f"screen:{screen.pk}", f"screen:{uuid.uuid4()}", "screen:nothing"):
            error = talk.join(room)
            assert (error["error"], error["code"]) == ("SCREEN_NOT_FOUND", 4404)
        upper = talk.join(f"screen:{str(screen.pk).upper()}")
        assert upper["error"] == "SCREEN_NOT_FOUND"


def test_whoever_it_is_shared_with_joins_until_it_is_shared_no_more(live_stack, redis_client, screen):
    stream.ensure_group(redis_client, "screens")
    live_stack.manage("evaluate_screens")
    screen_share(user=screen.user, screen_id=screen.pk)
    with talking(live_stack, UserFactory.create()) as guest, talking(live_stack, screen.user) as owner:
        assert guest.join(screen)["snapshot"]["data"]["total"] == 1
        owner.join(screen)
        stream.append(redis_client, update(at(115, "A")))
        guest.event("enter", "members")
        screen_unshare(user=screen.user, screen_id=screen.pk)
        error = guest.hear("error")
        assert (error["error"], error["room"]) == ("ROOM_FORBIDDEN", f"screen:{screen.pk}")
        assert guest.join(screen)["error"] == "SCREEN_NOT_FOUND"
        stream.append(redis_client, update(at(100, "B")))
        owner.event("leave")
        guest.say({"type": "ping"})
        # Nothing of the screen came to the guest before that.
        assert guest.hear("pong", "screen")["type"] == "pong"


def test_a_shared_screen_says_which_room_it_has(client, screen):
    token = screen_share(user=screen.user, screen_id=screen.pk).share_token
    assert client.get(f"/v1/screens/shared/{token}").json()["id"] == str(screen.pk)
