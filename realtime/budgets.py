"""What connections and their frames may ask for.

A connection that is opened and a frame that asks for rooms are requests like any other: an object that the
settings name counts them, many at once, in the budget that the rest of the service has for the same user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from realtime.authentication import Principal
from realtime.errors import SignInRefused
from realtime.protocol.codes import RATE_LIMITED
from realtime.replies import Header, Refused


class Verdict(Protocol):
    """Whether something is let through, and what its limits are."""

    @property
    def allowed(self) -> bool: ...

    @property
    def retry_after(self) -> int: ...

    @property
    def details(self) -> Mapping[str, Any]: ...

    def headers(self) -> Sequence[tuple[str, str]]: ...


class Budgets(Protocol):
    """Each counts one request of each that it is given, and answers for each; None where it is not limited.

    It may ask Redis. What was not counted for its address yet is counted for both in one step.
    """

    def spent(self, addresses: Sequence[str]) -> Sequence[Verdict | None]:
        """Of whoever comes from an address of which it is known here that it has nothing left.

        None, and nothing counted, for any other.
        """

    def addresses(self, addresses: Sequence[str]) -> Sequence[Verdict | None]:
        """Of whoever comes from there."""

    def strangers(self, addresses: Sequence[str], counted: Sequence[bool]) -> Sequence[Verdict | None]:
        """Of those who come from there and are nobody's user; whether each was counted for the address."""

    def users(
        self, principals: Sequence[Principal], addresses: Sequence[str] = ()
    ) -> Sequence[Verdict | None]:
        """Of these users, and of where they come from: an empty address is not counted."""


class Limited(SignInRefused):
    """The user or the address has made as many requests as it may."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(RATE_LIMITED, f"too many requests; come back in {verdict.retry_after} s")
        self.verdict = verdict

    def refused(self) -> Refused:
        """The same over HTTP."""
        headers = headers_of(self.verdict)
        return Refused(
            429, "RATE_LIMIT_EXCEEDED", "Too many requests", details=self.verdict.details, headers=headers
        )


def configured() -> Budgets | None:
    """What `settings.REALTIME_BUDGETS` names; None where nothing is counted."""
    name = getattr(settings, "REALTIME_BUDGETS", "")
    return import_string(name)() if name else None


def headers_of(verdict: Verdict | None) -> tuple[Header, ...]:
    """The headers that tell of it."""
    if verdict is None:
        return ()
    return tuple((name.lower().encode(), value.encode()) for name, value in verdict.headers())
