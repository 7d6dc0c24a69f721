"""The text of a ticket, ``tk_<secret>``, and where Redis keeps what is known of it.

A ticket stands in an address, where a browser cannot help but write its credential and others may read it. So
it opens one connection, within half a minute, and nothing can be made of what Redis holds.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

PREFIX = "tk_"
LIFE_SECONDS = 30
_FORM = re.compile(r"tk_[A-Za-z0-9_-]{43}")

_SESSION, _KEY = "session", "key"


@dataclass(frozen=True, slots=True)
class Maker:
    """The session or, by its public part, the API key that a ticket was made with.

    ``expires_at`` is when the credential ends, and with it what the ticket opened.
    """

    user_id: UUID
    session_id: UUID | None
    key_prefix: str
    expires_at: datetime | None

    def written(self) -> bytes:
        name = self.key_prefix if self.session_id is None else self.session_id
        kind = _KEY if self.session_id is None else _SESSION
        end = "" if self.expires_at is None else self.expires_at.isoformat()
        return f"{kind} {name} {self.user_id} {end}".encode()

    @classmethod
    def read(cls, entry: bytes) -> Maker | None:
        """None for anything that `written` does not write."""
        try:
            kind, name, user_id, end = entry.decode().split(" ")
            expires_at = datetime.fromisoformat(end) if end else None
            return cls(
                user_id=UUID(user_id),
                session_id=UUID(name) if kind == _SESSION else None,
                key_prefix=name if kind == _KEY else "",
                expires_at=expires_at,
            )
        except ValueError:
            return None


def ticket_generate() -> str:
    """A fresh ticket of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def ticket_name(ticket: str) -> str | None:
    """The key under which Redis keeps the ticket; None for a text that is none."""
    if not _FORM.fullmatch(ticket):
        return None
    return f"ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
