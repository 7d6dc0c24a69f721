"""Which sessions and keys may have connections open, remembered in Redis for ten minutes.

Ten thousand clients whose server was restarted come back within seconds, and the database is not to be asked
about each. So an entry lives longer than one of ``accounts.session_cache``, and the same rules make it safe:
it is written only after the database has said so, never over a tombstone, and is gone ten minutes after that
at the latest, for reading it does not prolong it. It says when the database was asked, so that whoever keeps
a connection open asks again in time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from accounts.redis import Script, breaker, call
from accounts.tombstones import LONGEST_LIFE

#: A connection that is open asks the database again after this time, so that of every one that is open an
#: entry of at least this time is left.
CONFIRMED_SECONDS = 300

_OF_KEYS = "connect:key:"

_remember = Script((Path(__file__).parent / "lua" / "remember.lua").read_text())


@dataclass(frozen=True, slots=True)
class Entry:
    """What the database said of a session or key at Unix time ``asked_at``.

    ``ends`` is when the session or the key ends, None for a key that does not; ``digest`` is that of the key,
    empty for a session.
    """

    asked_at: float
    user_id: UUID
    tier: str
    email: str
    ends: datetime | None
    digest: bytes = b""

    @classmethod
    def read(cls, text: bytes) -> Entry | None:
        """None for a tombstone and for anything that is no entry."""
        try:
            asked_at, user_id, tier, ends, digest, email = text.decode().split(" ", 5)
            return cls(
                asked_at=float(asked_at),
                user_id=UUID(user_id),
                # Every connection holds on to it.
                tier=sys.intern(tier),
                email=email,
                ends=None if ends == "-" else datetime.fromtimestamp(float(ends), UTC),
                digest=b"" if digest == "-" else bytes.fromhex(digest),
            )
        except (ValueError, OverflowError, OSError):
            return None

    def written(self) -> bytes:
        ends = "-" if self.ends is None else f"{self.ends.timestamp():.6f}"
        digest = self.digest.hex() or "-"
        return f"{self.asked_at:.3f} {self.user_id} {self.tier} {ends} {digest} {self.email}".encode()


def session_name(session_id: UUID) -> str:
    """The key of a session's entry."""
    return f"connect:session:{session_id}"


def key_name(prefix: str) -> str:
    """The key of an API key's entry; ``prefix`` is its public part."""
    return f"{_OF_KEYS}{prefix}"


def key_prefix(name: str) -> str:
    """The public part of the API key that an entry is of; empty for any other entry."""
    return name.removeprefix(_OF_KEYS) if name.startswith(_OF_KEYS) else ""


def find(names: Sequence[str], *, age: float) -> dict[str, Entry]:
    """The entries of these names that were confirmed in the last ``age`` seconds; raises RedisAway.

    What was written before Redis last failed to answer this process is not believed: whoever ended it may
    not have been able to say so.
    """
    if not names:
        return {}
    found = zip(names, call("MGET", *names), strict=True)
    now = time.time()
    since = max(now - age, now - (time.monotonic() - breaker.failed_at))
    entries = {name: Entry.read(text) for name, text in found if text is not None}
    return {name: entry for name, entry in entries.items() if entry is not None and entry.asked_at > since}


def remember(entries: Mapping[str, Entry]) -> None:
    """Write down what the database has just said, where no tombstone stands; raises RedisAway."""
    arguments: list[bytes | int] = []
    names = []
    now = time.time()
    for name, entry in entries.items():
        left = LONGEST_LIFE if entry.ends is None else min(LONGEST_LIFE, entry.ends.timestamp() - now)
        if left >= 1:
            names.append(name)
            arguments += [entry.written(), int(left)]
    if names:
        _remember(names, arguments)
