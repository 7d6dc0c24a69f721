"""What can go wrong with users, sessions and keys. HTTP codes stand in one table, config/api/errors.py."""

from __future__ import annotations

from typing import Any


class AccountsError(Exception):
    """Root of the tree: ``code`` is the envelope's ``error``, ``message`` a sentence for people."""

    code = "ACCOUNTS_ERROR"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class EmailTaken(AccountsError):
    code = "EMAIL_TAKEN"
    message = "An account with this e-mail address exists."


class WrongCredentials(AccountsError):
    code = "UNAUTHORIZED"
    message = "Wrong e-mail address or password."


class InvalidToken(AccountsError):
    """An access token that is malformed, forged, expired, or of a session that has ended."""

    code = "UNAUTHORIZED"
    message = "Invalid or expired access token"


class InvalidApiKey(InvalidToken):
    message = "Invalid, expired or revoked API key"


class InvalidRefreshToken(AccountsError):
    code = "UNAUTHORIZED"
    message = "Invalid, used or expired refresh token."


class InvalidConfirmation(AccountsError):
    code = "INVALID_CONFIRMATION"
    message = "This confirmation link is wrong, used or expired."


class InvalidLink(AccountsError):
    code = "INVALID_LINK"
    message = "This link is wrong, used or expired; ask for another."


class WrongPassword(AccountsError):
    code = "WRONG_PASSWORD"
    message = "The current password is another."


class ScopeMissing(AccountsError):
    """The key is good, but not for this."""

    code = "SCOPE_MISSING"
    message = "This API key may not do this."


class ApiKeyNotFound(AccountsError):
    code = "API_KEY_NOT_FOUND"
    message = "No such API key."


class ApiKeyLimitReached(AccountsError):
    code = "API_KEY_LIMIT_REACHED"
    message = "This account has as many API keys as it may have; revoke one first."


class AccountsBusy(AccountsError):
    """Too many passwords wait to be hashed."""

    code = "SERVICE_UNAVAILABLE"
    message = "Too many sign-ins at this moment; retry."


class MailNotSent(AccountsError):
    code = "SERVICE_UNAVAILABLE"
    message = "The mail server does not answer; retry."


class TicketsUnavailable(AccountsError):
    """Redis, which keeps them, does not answer."""

    code = "SERVICE_UNAVAILABLE"
    message = "Tickets can be neither made nor used at this moment; retry."


class RateLimited(AccountsError):
    """The account has made as many requests as its tier allows in this time."""

    code = "RATE_LIMIT_EXCEEDED"
    message = "Too many requests"


class KeyReused(AccountsError):
    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key came with another request before."


class KeyInFlight(AccountsError):
    code = "IDEMPOTENCY_KEY_IN_FLIGHT"
    message = "A request with this Idempotency-Key is being carried out; retry for its reply."
