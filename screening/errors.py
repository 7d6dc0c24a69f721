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


class InvalidScreen(ScreeningError):
    """A field, bound or sort order is not one that can be screened; ``details`` names it."""

    code = "VALIDATION_ERROR"
    message = "Invalid request parameters"
