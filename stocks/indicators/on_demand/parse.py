"""The text of a request, ``rsi(7),sma(50),bbands(20,2).upper``, read with errors that point at their place.

A call may leave out its last parameters, or all of them with the brackets: ``macd`` is ``macd(12,26,9)``.
A name with several series gives them all, or one that is named behind a dot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from stocks.indicators.on_demand.asked import Asked
from stocks.indicators.on_demand.definition import Definition
from stocks.indicators.on_demand.table import DEFINITIONS

#: The most calls of one request, and the most characters of its text.
MAX_SERIES: Final = 20
MAX_TEXT: Final = 1000

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>-?\d+(?:\.\d+)?)|(?P<mark>\S))", re.ASCII
)
_MAX_DIGITS: Final = 12


class SeriesError(ValueError):
    """A text that cannot be read; ``column`` counts characters from 1, ``length`` says how many are meant."""

    def __init__(self, message: str, *, column: int, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.length = length


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> tuple[Asked, ...]:
    """What the text asks for, in its order.

    Raises:
        SeriesError: something in it is unknown, out of bounds or misplaced, or it asks for too much.
    """
    if len(text) > MAX_TEXT:
        raise SeriesError(f"At most {MAX_TEXT} characters of series", column=MAX_TEXT + 1)
    reader = _Reader(_tokens(text))
    asked = [reader.call()]
    while reader.takes(","):
        if len(asked) == MAX_SERIES:
            raise SeriesError(f"At most {MAX_SERIES} series in one request", column=reader.next.column)
        asked.append(reader.call())
    if reader.next.kind != "end":
        raise reader.expected("a comma")
    return tuple(asked)


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
    return [*found, _Token("end", "", len(text) + 1)]


class _Reader:
    """The tokens of one text, taken from left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def takes(self, mark: str) -> bool:
        """Whether the next token is this mark; it is then behind us."""
        if self.next.kind != "mark" or self.next.text != mark:
            return False
        self._at += 1
        return True

    def take(self, kind: str, words: str) -> _Token:
        token = self.next
        if token.kind != kind:
            raise self.expected(words)
        self._at += 1
        return token

    def expected(self, words: str) -> SeriesError:
        token = self.next
        found = f"not {token.text!r}" if token.text else "but the text ends"
        return _error(f"Expected {words}, {found}", token)

    def call(self) -> Asked:
        name = self.take("name", "the name of a series")
        definition = DEFINITIONS.get(name.text.lower())
        if definition is None:
            raise _unknown("series", name, list(DEFINITIONS))
        arguments = self._arguments(definition) if self.takes("(") else []
        values = [value for value, _ in arguments]
        values += [parameter.default for parameter in definition.parameters[len(values) :]]
        problem = definition.problem(tuple(values))
        if problem:
            raise _error(f"{definition.name}: {problem}", arguments[-1][1] if arguments else name)
        output = self._output(definition) if self.takes(".") else ""
        return Asked(definition, tuple(values), output)

    def _arguments(self, definition: Definition) -> list[tuple[float, _Token]]:
        found: list[tuple[float, _Token]] = []
        if self.takes(")"):
            return found
        while True:
            token = self.take("number", "a number")
            if len(found) == len(definition.parameters):
                raise _error(f"Too many numbers: {definition.usage}", token)
            parameter = definition.parameters[len(found)]
            value = float(token.text) if len(token.text) <= _MAX_DIGITS else float("inf")
            problem = parameter.problem(value)
            if problem:
                raise _error(f"{definition.name}: {problem}, not {token.text}", token)
            found.append((value, token))
            if self.takes(")"):
                return found
            if not self.takes(","):
                raise self.expected("a comma or a closing bracket")

    def _output(self, definition: Definition) -> str:
        token = self.take("name", "the name of an output")
        if not definition.outputs:
            raise _error(f"{definition.name} is a single series, without outputs to name", token)
        output = token.text.lower()
        if output not in definition.outputs:
            raise _unknown(f"output of {definition.name}", token, list(definition.outputs))
        return output


def _unknown(what: str, token: _Token, known: list[str]) -> SeriesError:
    near = get_close_matches(token.text.lower(), known, n=1)
    hint = f"; did you mean {near[0]}" if near else ""
    return _error(f"Unknown {what} {token.text!r}{hint}. One of: {', '.join(known)}", token)


def _error(message: str, token: _Token) -> SeriesError:
    return SeriesError(message, column=token.column, length=max(len(token.text), 1))
