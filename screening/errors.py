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


class ScreenTooSlow(ScreeningError):
    """The database did not finish within the time a screen may take."""

    code = "SCREEN_TIMEOUT"
    message = "The screen took too long; narrow it or retry."
