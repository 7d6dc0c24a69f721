"""What can go wrong with a screen. HTTP codes stand in one table, config/api/errors.py."""

from __future__ import annotations

from typing import Any


class ScreeningError(Exception):
    """Root of the tree: ``code`` is the envelope's ``error``, ``message`` a sentence for people."""

    code = "SCREENING_ERROR"
    message = "The screen could not be run."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class AlertNotFound(ScreeningError):
    code = "ALERT_NOT_FOUND"
    message = "No such alert."


class AlertLimitReached(ScreeningError):
    """The user has as many alerts as the tier allows."""

    code = "ALERT_LIMIT_REACHED"
    message = "This account has as many alerts as its tier allows; delete one first."


class NotificationNotFound(ScreeningError):
    code = "NOTIFICATION_NOT_FOUND"
    message = "No such notification."


class WebhookNotFound(ScreeningError):
    code = "WEBHOOK_NOT_FOUND"
    message = "No such webhook."


class WebhookLimitReached(ScreeningError):
    """The user has as many endpoints as the tier allows."""

    code = "WEBHOOK_LIMIT_REACHED"
    message = "This account has as many webhooks as its tier allows; delete one first."


class WebhookExists(ScreeningError):
    code = "WEBHOOK_EXISTS"
    message = "This account has a webhook with this address."


class ScreenNotFound(ScreeningError):
    code = "SCREEN_NOT_FOUND"
    message = "No such screen."


class ScreenExists(ScreeningError):
    code = "SCREEN_EXISTS"
    message = "This account has a screen of this name."


class ScreenLimitReached(ScreeningError):
    code = "SCREEN_LIMIT_REACHED"
    message = "This account has as many screens as it may have; delete one first."


class ScreenTooSlow(ScreeningError):
    """The database did not finish within the time a screen may take."""

    code = "SCREEN_TIMEOUT"
    message = "The screen took too long; narrow it or retry."
