"""Times of the database as microseconds, which are read ten times as fast as timestamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(microseconds: int) -> datetime:
    """The time that is ``(extract(epoch FROM …) * 1000000)::bigint`` in SQL, to the microsecond."""
    return EPOCH + timedelta(0, 0, microseconds)
