"""A place in the words of a screen, and errors that point at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from screening.grammar.errors import GrammarError, WrongText
from screening.grammar.tokens import Token, tokens
from screening.grammar.vocabulary import quoted

Read = TypeVar("Read")

#: Brackets, minuses and nots around each other, also those that leave nothing in the tree.
MAX_NESTING = 32


class Cursor:
    """Moves over the words from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: Sequence[Token] = list(tokens(text))
        self._position = 0
        self._nesting = 0

    @property
    def here(self) -> Token:
        """The word that is read next; the end of the text is one."""
        return self._tokens[self._position]

    @property
    def after(self) -> Token:
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    @property
    def before(self) -> Token:
        return self._tokens[max(self._position - 1, 0)]

    def advance(self) -> Token:
        """Go on and return the word gone over."""
        token = self.here
        if token.kind != "end":
            self._position += 1
        return token

    def take(self, word: str) -> bool:
        """Whether ``word`` comes next; if so, go over it."""
        taken = self.here.word == word
        self._position += taken
        return taken

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.expected(f'"{sign}"')

    def nested(self, read: Callable[[], Read]) -> Read:
        """What ``read`` returns, one level further in."""
        if self._nesting == MAX_NESTING:
            raise self.wrong(f"this is nested deeper than {MAX_NESTING} levels", self.before)
        self._nesting += 1
        node = read()
        self._nesting -= 1
        return node

    def checked(self, run: Callable[[], Read], token: Token) -> Read:
        """What ``run`` returns; its complaint points at ``token``."""
        try:
            return run()
        except GrammarError as error:
            raise self.wrong(error.message, token) from None

    def expected(self, what: str) -> WrongText:
        found = "the end" if self.here.kind == "end" else quoted(self.here.text)
        return self.wrong(f"{what} is expected, not {found}", self.here)

    def wrong(self, message: str, first: Token, last: Token | None = None) -> WrongText:
        """An error about the words from ``first`` to ``last``."""
        end = max(first.end, (last or first).end)
        return WrongText(message, column=first.start + 1, length=max(end - first.start, 1))
