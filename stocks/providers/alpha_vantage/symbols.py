"""Our codes and their symbols: they write a class of share behind a dash, BRK-B for BRK.B."""

from __future__ import annotations

from stocks.providers import us
from stocks.providers.errors import Malformed


def symbol_of(code: str) -> str:
    """Their symbol of one of our codes."""
    return code.replace(".", "-")


def code_of(symbol: str) -> str | None:
    """Our code of one of their symbols, None where it is not that of a US stock."""
    code = symbol.upper().replace("-", ".")
    return code if us.is_code(code) else None


def refuse_another(symbol: str, code: str) -> None:
    """Raise Malformed where an answer is about another stock than ``code``."""
    if code_of(symbol) != code:
        raise Malformed("the answer is about another symbol")
