"""When something was, which they write in seconds over HTTP and in milliseconds in the stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stocks.providers.errors import Malformed
from stocks.providers.json import whole

#: Clocks differ by less: what is later than this is wrong.
FUTURE = timedelta(seconds=5)
# Times outside of these are in another unit than the one that is documented.
_SECONDS = range(10**8, 10**11)
_MILLISECONDS = range(10**11, 10**14)


def of_seconds(value: Any) -> datetime:
    """A time in seconds since 1970; raises Malformed where it is missing or in another unit."""
    seconds = whole(value, "the time")
    if seconds is None or seconds not in _SECONDS:
        raise Malformed("the time is not in seconds")
    return datetime.fromtimestamp(seconds, UTC)


def of_milliseconds(value: Any) -> datetime:
    """The same of milliseconds."""
    milliseconds = whole(value, "the time")
    if milliseconds is None or milliseconds not in _MILLISECONDS:
        raise Malformed("the time is not in milliseconds")
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


def refuse_the_future(moment: datetime, now: datetime) -> None:
    """Raise Malformed where a moment is still to come."""
    if moment > now + FUTURE:
        raise Malformed("the time lies in the future")
