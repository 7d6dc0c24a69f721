"""Rooms and users for the tests of a floor that knows neither.

A token is ``<tier>``, ``<tier>:<seconds until it expires>`` or ``<tier>:<seconds>:<name of a user>``; without
a name it is a user's of its own, and "<tier>::" stands for one user without a name. "away" cannot be checked;
anything else is refused. What `change` has written down of a named user in Redis is what they are found to
be from then on.

In every room the key "secret" is closed, "nowhere" does not exist, "unreachable" is behind a database that
is away, "broken" fails, and "known" is closed where anybody is asked. Price rooms know without asking that
"known" is open, "closed" is not, and "gone" was there once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError

from realtime.redis import client
from realtime.rooms import LATEST, LOG, Principal, RoomRefused, RoomUnknown

TIERS = ("free", "basic", "pro")
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True)
class User:
    user_id: uuid.UUID
    tier: str
    expires_at: datetime | None
    name: str = ""


def user_id_of(name: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, name)


def authenticate(tokens: Sequence[str]) -> list[User | Exception | None]:
    return [_authenticate(token) for token in tokens]


def _authenticate(token: str) -> User | Exception | None:
    if token == "away":
        return OperationalError("the database is away")
    tier, _, rest = token.partition(":")
    seconds, _, name = rest.partition(":")
    if tier not in TIERS:
        return None
    expires_at = datetime.now(UTC) + timedelta(seconds=float(seconds)) if seconds else None
    user_id = user_id_of(name) if name or token.endswith("::") else uuid.uuid4()
    return _as_changed(User(user_id, tier, expires_at, name))


def recheck(principals: Sequence[User]) -> list[User | None]:
    return [_as_changed(principal) for principal in principals]


def change(name: str, now: str) -> None:
    """From now on the user is of another tier or, where it says "gone", nobody."""
    client().set(f"cast:{name}", now)


def _as_changed(user: User) -> User | None:
    changed: Any = client().get(f"cast:{user.name}") if user.name else None
    if changed == b"gone":
        return None
    return user if changed is None else replace(user, tier=changed.decode())


def authenticate_cookie(cookie: str) -> User | None:
    if not cookie.startswith("cookie-"):
        return None
    found = _authenticate(cookie.removeprefix("cookie-"))
    return found if isinstance(found, User) else None


def default_rooms(principal: Principal) -> list[str]:
    return {"free": [], "basic": ["price:mine", "price:secret"], "pro": ["price:A", "price:B"]}[
        principal.tier
    ]


class OpenRoom:
    mode = LATEST
    columns: Mapping[str, tuple[str, ...]] = {"price_update": ("stock_code", "data.current_price")}

    def authorize(self, principal: Principal, key: str) -> None:
        if key == "secret":
            raise RoomRefused("NOT_YOURS", "This room is somebody else's.")
        if key == "nowhere":
            raise RoomUnknown("STOCK_NOT_FOUND", "No such stock.", code=key)
        if key == "unreachable":
            raise OperationalError("the database is away")
        if key == "broken":
            raise LookupError("a bug of the room's owner")
        if key == "known":
            raise PermissionDenied

    def snapshot(self, key: str) -> dict[str, Any] | None:
        if key == "stored":
            return {"type": "price_update", "stock_code": key, "data": {"current_price": 100}}
        return None


class KnowingRoom(OpenRoom):
    def admits(self, principal: Principal, key: str) -> bool | None:
        if key == "gone":
            raise RoomUnknown("STOCK_NOT_FOUND", "No such stock any more.", code=key)
        return {"known": True, "closed": False}.get(key)


class OtherColumns(OpenRoom):
    columns = {"price_update": ("stock_code",)}


class OpenLog(OpenRoom):
    """The state of a log is what the test wrote into the key `state:{key}` of Redis."""

    mode = LOG

    def snapshot(self, key: str) -> dict[str, Any] | None:
        text = client().get(f"state:{key}")
        if text == b"broken":
            raise LookupError("a bug of the room's owner")
        return {"type": "alert", "state": text.decode()} if isinstance(text, bytes) else None


class OwnLog(OpenLog):
    """A log that only the user of its name may be in."""

    def admits(self, principal: Principal, key: str) -> bool | None:
        return isinstance(principal, User) and principal.name == key


ROOMS = {
    "price": f"{__name__}.KnowingRoom",
    "market": f"{__name__}.OpenRoom",
    "alert": f"{__name__}.OpenLog",
    "portfolio": f"{__name__}.OwnLog",
}
