"""Who a credential stands for, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """A user as a credential proved them; ``expires_at`` is when it ends, None for one that does not.

    ``credential`` is the name under which the session or key is remembered, not the token itself.
    """

    user_id: UUID
    email: str
    tier: str
    expires_at: datetime | None
    credential: str = ""
