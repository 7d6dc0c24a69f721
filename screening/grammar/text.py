"""A screen as text: ``per between 0 and 12 and not sector in ("Financials") and roe > roe_5y_avg``.

From loose to tight: or, and, not, comparisons, + and -, * and /, a minus in front. Keywords are read in any
letter case. ``printing.py`` writes a tree as such a text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from screening.grammar import limits
from screening.grammar.cursor import Cursor
from screening.grammar.errors import GrammarError, WrongText
from screening.grammar.texts import stored
from screening.grammar.tokens import Token
from screening.grammar.tree import (
    COMPARISONS,
    GROUPS,
    MAX_WITHIN,
    And,
    Arithmetic,
    Between,
    Compare,
    Comparison,
    Condition,
    Crosses,
    Direction,
    Expression,
    Field,
    Group,
    In,
    IsNull,
    Negative,
    Node,
    Not,
    NotNull,
    Number,
    Operation,
    Or,
    Percentile,
    SectorRelative,
    Text,
)
from screening.grammar.vocabulary import Asked, Vocabulary, quoted

_SIGNS: Final[dict[str, Comparison]] = {**{sign: sign for sign in COMPARISONS}, "==": "=", "<>": "!="}
_SUMS: Final[dict[str, Operation]] = {"+": "+", "-": "-"}
_PRODUCTS: Final[dict[str, Operation]] = {"*": "*", "/": "/"}
_CROSSINGS: Final[dict[str, Direction]] = {"crosses_above": "above", "crosses_below": "below"}
_RELATIVES: Final = ("percentile", "sector_relative")
#: Names that stand for something else than a figure.
KEYWORDS: Final = frozenset(
    {"and", "or", "not", "between", "in", "is", "null", "within", *_RELATIVES, *_CROSSINGS}
)


def read_text(text: str, vocabulary: Vocabulary) -> Asked:
    """The condition that a text asks for, or WrongText, which points at what is wrong."""
    reader = _Reader(text, vocabulary)
    condition = reader.whole()
    try:
        limits.check(condition)
    except GrammarError as error:
        raise WrongText(error.message, column=1, length=len(text)) from None
    return Asked(condition, tuple(reader.names))


class _Reader(Cursor):
    """One method a level of the grammar; each reads and returns the node that begins here."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text)
        self.vocabulary = vocabulary
        self.names: dict[str, None] = {}

    def whole(self) -> Condition:
        start = self.here
        node = self.either()
        if self.here.kind != "end":
            raise self.expected('"and", "or" or the end')
        return self.condition(node, start)

    def either(self) -> Node:
        return self.joined("or", Or, self.both)

    def both(self) -> Node:
        return self.joined("and", And, self.negated)

    def joined(self, word: str, join: type[And] | type[Or], read: Callable[[], Node]) -> Node:
        start = self.here
        node = read()
        if self.here.word != word:
            return node
        items = [self.condition(node, start)]
        while self.take(word):
            start = self.here
            items.append(self.condition(read(), start))
        return join(tuple(items))

    def negated(self) -> Node:
        if not self.take("not"):
            return self.comparison()
        start = self.here
        return Not(self.condition(self.nested(self.negated), start))

    def comparison(self) -> Node:
        start = self.here
        left = self.total()
        turned = self.here.word == "not" and self.after.word in ("between", "in")
        if turned:
            self.advance()
        condition = self.compared(left, start)
        if condition is None:
            return left
        if self.here.word in _SIGNS or self.here.word in ("between", "is", *_CROSSINGS):
            raise self.wrong("comparisons do not chain; join two of them with and", self.here)
        return Not(condition) if turned else condition

    def compared(self, left: Node, start: Token) -> Condition | None:
        word = self.here.word
        # What stands before the operator is looked at before the operator is gone over, so that a
        # complaint points at it alone.
        if word in _SIGNS:
            return self.ordered(_SIGNS[word], left, start)
        if word == "between":
            return self.between(self.number(left, start))
        if word == "in":
            return self.listed(self.text(left, start))
        if word == "is":
            return self.unknown(left if isinstance(left, Text) else self.number(left, start))
        if word in _CROSSINGS:
            return self.crossing(_CROSSINGS[word], self.crossed(left, start))
        return None

    def ordered(self, op: Comparison, left: Node, start: Token) -> Condition:
        if not isinstance(left, Text):
            low = self.number(left, start)
            self.advance()
            begin = self.here
            return Compare(op, low, self.number(self.total(), begin))
        if op not in ("=", "!="):
            raise self.wrong(f"{left.name} is a text and has no order; use =, != or in", self.here)
        self.advance()
        found = In(left, (self.quoted(left),))
        return found if op == "=" else Not(found)

    def between(self, of: Expression) -> Condition:
        self.need("between")
        start = self.here
        low = self.number(self.total(), start)
        if not self.take("and"):
            raise self.expected('"and" and the upper end')
        start = self.here
        return Between(of, low, self.number(self.total(), start))

    def listed(self, text: Text) -> Condition:
        self.need("in")
        self.need("(")
        values = [self.quoted(text)]
        while self.take(","):
            values.append(self.quoted(text))
        self.need(")")
        return In(text, tuple(values))

    def unknown(self, of: Expression | Text) -> Condition:
        self.need("is")
        turned = self.take("not")
        if not self.take("null"):
            raise self.expected('"null"' if turned else '"null" or "not null"')
        return NotNull(of) if turned else IsNull(of)

    def crossing(self, direction: Direction, left: Field) -> Condition:
        self.advance()
        start = self.here
        node = self.total()
        right = node if isinstance(node, Number) else self.crossed(node, start)
        return Crosses(direction, left, right, self.sessions() if self.take("within") else 1)

    def sessions(self) -> int:
        allowed = [str(count) for count in range(1, MAX_WITHIN + 1)]
        if self.here.kind != "number" or self.here.text not in allowed:
            raise self.expected(f"a number of sessions from 1 to {MAX_WITHIN}")
        return int(self.advance().text)

    def total(self) -> Node:
        return self.chained(_SUMS, self.product)

    def product(self) -> Node:
        return self.chained(_PRODUCTS, self.signed)

    def chained(self, signs: dict[str, Operation], read: Callable[[], Node]) -> Node:
        start = self.here
        node = read()
        while self.here.word in signs:
            left = self.number(node, start)
            sign = signs[self.advance().word]
            begin = self.here
            node = Arithmetic(sign, left, self.number(read(), begin))
        return node

    def signed(self) -> Node:
        if not self.take("-"):
            return self.single()
        if self.here.kind == "number":
            return Number(-self.literal())
        start = self.here
        return Negative(self.number(self.nested(self.signed), start))

    def single(self) -> Node:
        token = self.here
        if self.take("("):
            node = self.nested(self.either)
            self.need(")")
            return node
        if token.kind == "number":
            return Number(self.literal())
        if token.word in _RELATIVES:
            return self.relative()
        if token.kind == "name" and token.word not in KEYWORDS:
            return self.named()
        if token.kind == "text":
            raise self.wrong("a text can only follow a field such as market and =, != or in", token)
        raise self.expected("a field, a number or a condition")

    def relative(self) -> Expression:
        name = self.advance().word
        self.need("(")
        token = self.here
        if token.kind != "name":
            raise self.expected("a field")
        figure = self.figure(self.named(), token)
        group: Group = self.group() if name == "percentile" and self.take(",") else "market"
        self.need(")")
        return Percentile(figure, group) if name == "percentile" else SectorRelative(figure)

    def group(self) -> Group:
        for group in GROUPS:
            if self.take(group):
                return group
        raise self.expected(f"one of {', '.join(GROUPS)}")

    def literal(self) -> float:
        token = self.advance()
        value = float(token.text)
        self.checked(lambda: limits.check_number(value), token)
        return value

    def named(self) -> Field | Text:
        token = self.advance()
        found = self.checked(lambda: self.vocabulary.read(token.text), token)
        if isinstance(found, Field):
            self.names[token.text] = None
        return found

    def quoted(self, text: Text) -> str:
        token = self.here
        if token.kind != "text":
            hint = f"; write {quoted(token.text)}" if token.kind == "name" else ""
            raise self.wrong(f"a text in quotes is expected{hint}", token)
        self.advance()
        return self.checked(lambda: stored(text.name, token.value), token)

    def condition(self, node: Node, start: Token) -> Condition:
        if isinstance(node, Field | Number | Arithmetic | Negative | Percentile | SectorRelative | Text):
            raise self.wrong("this is a value; a condition is expected", start, self.before)
        return node

    def number(self, node: Node, start: Token) -> Expression:
        if isinstance(node, Field | Number | Arithmetic | Negative | Percentile | SectorRelative):
            return node
        kind = f"{node.name} is a text" if isinstance(node, Text) else "this is a condition"
        raise self.wrong(f"{kind}; a number is expected", start, self.before)

    def figure(self, node: Node, start: Token) -> Field:
        if isinstance(node, Field):
            return node
        raise self.wrong("the name of a figure is expected", start, self.before)

    def crossed(self, node: Node, start: Token) -> Field:
        figure = self.figure(node, start)
        self.checked(lambda: self.vocabulary.check_crossing(figure), start)
        return figure

    def text(self, node: Node, start: Token) -> Text:
        if isinstance(node, Text):
            return node
        raise self.wrong("lists are for texts such as market; use = and or", start, self.before)
