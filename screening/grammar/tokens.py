"""The text of a screen, cut into words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from screening.grammar.errors import WrongText

Kind = Literal["number", "name", "text", "sign", "end"]

#: Characters of one screen.
MAX_TEXT = 4000
_WORD = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<text>"(?:[^"\\]|\\["\\])*" | '(?:[^'\\]|\\['\\])*')
    | (?P<sign><=|>=|!=|<>|==|[-<>=+*/(),])
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Token:
    """A word from ``start`` to ``end`` (positions in the text, from 0)."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """What it says where it is a keyword or a sign: these are read in any letter case."""
        return self.text.lower() if self.kind in ("name", "sign") else ""

    @property
    def value(self) -> str:
        """What stands in the quotes of a text."""
        return _ESCAPED.sub(r"\1", self.text[1:-1])


def tokens(text: str) -> Iterator[Token]:
    """The words of a text and its end, or WrongText at the first character that begins none."""
    if len(text) > MAX_TEXT:
        raise WrongText(
            f"has {len(text)} characters; the most is {MAX_TEXT}",
            column=MAX_TEXT + 1,
            length=len(text) - MAX_TEXT,
        )
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        position = match.end()
        if match.lastgroup != "space":
            yield Token(_kind(match.lastgroup), match.group(), match.start(), match.end())
    yield Token("end", "", len(text), len(text))


def _kind(group: str | None) -> Kind:
    match group:
        case "number" | "name" | "text" | "sign":
            return group
    raise AssertionError(group)


def _unreadable(text: str, position: int) -> WrongText:
    character = text[position]
    if character in "\"'":
        return WrongText("this text has no closing quote", column=position + 1, length=len(text) - position)
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return WrongText(f"{shown} has no meaning here", column=position + 1, length=1)
