"""What each type of transaction needs, and what it may have beside that. Knows no framework."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from portfolios.types import TransactionType

#: The names that a form is made of.
FIGURES: Final[tuple[str, ...]] = ("quantity", "price", "amount", "ratio", "fee", "tax")
TRADES: Final = (TransactionType.BUY, TransactionType.SELL)
_CASH = (
    *(TransactionType.DEPOSIT, TransactionType.WITHDRAW, TransactionType.FEE),
    *(TransactionType.TAX, TransactionType.INTEREST),
)
# Of some there are two kinds.
_FORMS: Final[dict[TransactionType, list[tuple[set[str], set[str]]]]] = {
    **{kind: [({"stock", "quantity"}, {"price", "fee", "tax"})] for kind in TRADES},
    **{kind: [({"amount"}, set())] for kind in _CASH},
    TransactionType.INTEREST: [({"amount"}, {"fee", "tax"})],
    TransactionType.DIVIDEND: [({"stock", "amount"}, {"fee", "tax"})],
    TransactionType.SPLIT: [({"stock", "ratio"}, set())],
    TransactionType.BONUS: [({"stock", "quantity"}, set()), ({"stock", "ratio"}, set())],
    TransactionType.TRANSFER_IN: [({"stock", "quantity", "price"}, set()), ({"amount"}, set())],
    TransactionType.TRANSFER_OUT: [({"stock", "quantity"}, {"price"}), ({"amount"}, set())],
}


def form_problems(kind: TransactionType, given: Set[str]) -> dict[str, str]:
    """What is wrong with a transaction that has just ``given``, by name; nothing where it is whole."""
    forms = _FORMS[kind]
    if any(needed <= given <= needed | allowed for needed, allowed in forms):
        return {}
    needed, allowed = _nearest(kind, given)
    problems = {_named(name): f"is needed for {kind}" for name in sorted(needed - given)}
    return problems | {_named(name): f"{kind} has none here" for name in sorted(given - needed - allowed)}


def unused(kind: TransactionType, given: Set[str]) -> Set[str]:
    """The names of ``given`` that a transaction of this type does not have."""
    needed, allowed = _nearest(kind, given)
    return given - needed - allowed


def _nearest(kind: TransactionType, given: Set[str]) -> tuple[set[str], set[str]]:
    return max(_FORMS[kind], key=lambda form: len(form[0] & given))


def _named(name: str) -> str:
    return "stock_code" if name == "stock" else name
