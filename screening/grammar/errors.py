"""What can be wrong with a screen before any stock is looked at."""

from __future__ import annotations


class GrammarError(ValueError):
    """``message`` says what is wrong in words for people."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class TooLarge(GrammarError):
    """Too deep, too many nodes, or a number that is none."""
