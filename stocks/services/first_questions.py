"""Questions about names that nobody here knows yet: few at a time, and never from what others need.

Anybody can make up a thousand codes. Each is asked about once, but that once costs a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from stocks.providers.errors import QuotaSpent
from stocks.providers.mesh.quota import Quota, scheduled_work
from stocks.providers.tools import Rate

T = TypeVar("T")

#: Of each kind, in all processes together.
A_MINUTE: Final = Rate(30, 60.0)


class NotNow(Exception):
    """Too many new names came within the last minute; ``retry_after`` are seconds, None where unknown."""

    def __init__(self, retry_after: float | None) -> None:
        self.retry_after = None if retry_after is None else int(retry_after) + 1
        super().__init__("too many new names")


def first_question(kind: str, ask: Callable[[], T]) -> T:
    """Ask the mesh about a name that is new here, from the part of the quotas that nobody waits for.

    Each ``kind`` of name, such as codes, has a bound of its own.

    Raises NotNow, and asks nobody, where too many came already, and what the mesh raises.
    """
    try:
        Quota(f"new {kind}", "", [A_MINUTE]).take()
    except QuotaSpent as error:
        raise NotNow(error.retry_after) from None
    with scheduled_work():
        return ask()
