"""The names that a screen may use, and what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from screening.grammar.errors import GrammarError
from screening.grammar.tree import TEXT_NAMES, Condition, Field, Text

_ECHOED = 40


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``fields`` maps every name of a figure, aliases included, to its id.

    ``crossing`` are the ids of the figures of which earlier sessions are kept.
    """

    fields: Mapping[str, str]
    crossing: frozenset[str]

    def read(self, name: str) -> Field | Text:
        """What a name stands for, or GrammarError with the names there are."""
        if name in self.fields:
            return Field(self.fields[name])
        for text in TEXT_NAMES:
            if text == name:
                return Text(text)
        allowed = ", ".join([*self.fields, *TEXT_NAMES])
        raise GrammarError(f"unknown field {quoted(name)}; allowed: {allowed}")

    def check_crossing(self, figure: Field) -> None:
        """Raise GrammarError, with the ones there are, for a figure without earlier sessions."""
        if figure.name not in self.crossing:
            allowed = ", ".join(sorted(self.crossing))
            raise GrammarError(
                f"earlier sessions of {figure.name} are not kept, so it cannot cross; allowed: {allowed}"
            )


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition, and the names it was asked with (aliases as they were written), each once."""

    condition: Condition
    names: tuple[str, ...] = field(default=())


def quoted(text: str) -> str:
    """A text of the client's in quotes, of a long one its beginning."""
    return f'"{text[:_ECHOED]}…"' if len(text) > _ECHOED else f'"{text}"'
