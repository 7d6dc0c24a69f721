"""Rooms and users for the tests of a floor that knows neither.

A token is ``<tier>`` or ``<tier>:<seconds until it expires>``; anything else is refused. In every room the
key "secret" is closed, "nowhere" does not exist, "unreachable" is behind a database that is away, and
"broken" fails.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import OperationalError

from realtime.redis import client
from realtime.rooms import LATEST, LOG, Principal, RoomRefused, RoomUnknown

TIERS = ("free", "basic", "pro")


@dataclass(frozen=True)
class User:
    user_id: uuid.UUID
    tier: str
    expires_at: datetime | None


def authenticate(token: str) -> User | None:
    tier, _, seconds = token.partition(":")
    if tier not in TIERS:
        return None
    expires_at = datetime.now(UTC) + timedelta(seconds=float(seconds)) if seconds else None
    return User(uuid.uuid4(), tier, expires_at)


class OpenRoom:
    mode = LATEST

    def authorize(self, principal: Principal, key: str) -> None:
        if key == "secret":
            raise RoomRefused("NOT_YOURS", "This room is somebody else's.")
        if key == "nowhere":
            raise RoomUnknown("STOCK_NOT_FOUND", "No such stock.", code=key)
        if key == "unreachable":
            raise OperationalError("the database is away")
        if key == "broken":
            raise LookupError("a bug of the room's owner")

    def snapshot(self, key: str) -> dict[str, Any] | None:
        if key == "stored":
            return {"type": "price_update", "stock_code": key, "data": {"current_price": 100}}
        return None


class OpenLog(OpenRoom):
    """The state of a log is what the test wrote into the key `state:{key}` of Redis."""

    mode = LOG

    def snapshot(self, key: str) -> dict[str, Any] | None:
        text = client().get(f"state:{key}")
        return {"type": "alert", "state": text.decode()} if isinstance(text, bytes) else None


ROOMS = {**dict.fromkeys(("price", "market"), f"{__name__}.OpenRoom"), "alert": f"{__name__}.OpenLog"}
