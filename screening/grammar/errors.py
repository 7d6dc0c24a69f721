"""What can be wrong with a screen before any stock is looked at."""

from __future__ import annotations


class GrammarError(ValueError):
    """``message`` says what is wrong in words for people."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class TooLarge(GrammarError):
    """Too deep, too many nodes, or a number or text that is out of bounds."""


class WrongText(GrammarError):
    """``message`` is about the ``length`` characters of a text from ``column`` on, which counts from 1."""

    def __init__(self, message: str, *, column: int, length: int) -> None:
        self.column = column
        self.length = length
        super().__init__(message)


class WrongTree(GrammarError):
    """``message`` is about the part of a JSON tree at ``path``, e.g. ``and[0].field``."""

    def __init__(self, message: str, *, path: str) -> None:
        self.path = path.removesuffix(".")
        super().__init__(message)
