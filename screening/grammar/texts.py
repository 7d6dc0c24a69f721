"""Values of the texts that describe a stock, as they are stored."""

from __future__ import annotations

from screening.grammar.errors import GrammarError
from screening.grammar.tree import TextName

MAX_LENGTH = 200
_CAPITALS: frozenset[TextName] = frozenset({"market", "currency"})


def stored(name: TextName, value: str) -> str:
    """``value`` as the text is stored: markets and currencies in capitals, kinds in small letters.

    Raises GrammarError for an empty or very long one, and for one that holds control characters.
    """
    if not value or len(value) > MAX_LENGTH:
        raise GrammarError(f"a text has from 1 to {MAX_LENGTH} characters; ask for unknown ones with null")
    if not value.isprintable():
        raise GrammarError("a text holds a character that cannot be printed")
    if name in _CAPITALS:
        return value.upper()
    return value.lower() if name == "kind" else value
