"""Why a provider gave no answer: one small tree for all of them.

A provider's body is classified before its status, because several say failure with HTTP 200. Messages are
for operators; the gateway takes keys and tokens out of them before they are raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Outcome(StrEnum):
    """How a call to a provider ended."""

    OK = "ok"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PREMIUM = "premium"
    BAD_REQUEST = "bad_request"
    UPSTREAM = "upstream"
    MALFORMED = "malformed"


class ProviderError(Exception):
    """Root of the tree. ``outcome`` names the case."""

    outcome = Outcome.UPSTREAM

    def __init__(self, message: str = "") -> None:
        self.message = message or self.outcome.value.replace("_", " ")
        super().__init__(self.message)


class NotFound(ProviderError):
    """The provider has nothing under this name: a fact about the name, no failure of the provider."""

    outcome = Outcome.NOT_FOUND


class RateLimited(ProviderError):
    """A quota is used up, ours or theirs; ``retry_after`` are seconds, None where nobody says."""

    outcome = Outcome.RATE_LIMITED

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaSpent(RateLimited):
    """Our own count of calls says no; the provider was not asked."""


class AuthFailed(ProviderError):
    """The key or token is refused; it will be refused again until somebody changes it."""

    outcome = Outcome.AUTH


class Premium(ProviderError):
    """The key does not pay for this capability."""

    outcome = Outcome.PREMIUM


class BadRequest(ProviderError):
    """The provider calls our request wrong."""

    outcome = Outcome.BAD_REQUEST


class Upstream(ProviderError):
    """No answer in time, a broken connection, a server error, a redirect, or a body without end."""

    outcome = Outcome.UPSTREAM


class Malformed(ProviderError):
    """An answer that is not what the provider documents, is about something else, or cannot be true."""

    outcome = Outcome.MALFORMED


class NotOffered(ProviderError):
    """No configured provider has this capability, or none covers this stock."""

    outcome = Outcome.NOT_FOUND


class AllFailed(ProviderError):
    """Every provider that could have answered failed; ``errors`` says how, by provider.

    ``retry_after`` is when the first of them may be asked again, None where nobody says.
    """

    def __init__(self, errors: Mapping[str, ProviderError]) -> None:
        self.errors = dict(errors)
        waits = [error.retry_after for error in errors.values() if isinstance(error, RateLimited)]
        self.retry_after = min((wait for wait in waits if wait is not None), default=None)
        super().__init__("; ".join(f"{name}: {error.outcome}" for name, error in errors.items()))
