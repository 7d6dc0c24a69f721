"""Records as transactions: every figure checked, nothing looked up yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from portfolios.forms import FIGURES, TRADES, form_problems, unused
from portfolios.importing.cells import BadCell, Moment, bounded, moment_reader, number_reader, ratio
from portfolios.importing.layout import OWN, SIDED, SKIP, Layout
from portfolios.maths.exact import ZERO
from portfolios.types import TransactionType
from stocks.currencies import is_currency
from stocks.types import ActionKind

MAX_CODE: Final = 32
_BELOW: Final = Decimal(10) ** 15
#: Decimals of a figure, and what it is below; the columns of the ledger hold no more.
_BOUNDS: Final = {
    "quantity": (10, _BELOW),
    "price": (8, Decimal(10) ** 12),
    "amount": (8, _BELOW),
    "fee": (8, _BELOW),
    "tax": (8, _BELOW),
    "fx_rate": (20, Decimal(10) ** 10),
}
_LONGEST: Final = {"external_id": 100, "note": 500, "stock_code": MAX_CODE}
_LABEL = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_ACTION = re.compile(r"(split|bonus|dividend) (\d{4}-\d\d-\d\d)", re.ASCII)
_KINDS_OF: Final = {
    TransactionType.DIVIDEND: {ActionKind.DIVIDEND},
    TransactionType.SPLIT: {ActionKind.SPLIT, ActionKind.BONUS},
    TransactionType.BONUS: {ActionKind.SPLIT, ActionKind.BONUS},
}
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that says a whole transaction; a day stands for the time that its type takes effect on it.

    ``label`` is its own number in the file where it was exported, ``reverses`` and ``replaces`` are those of
    others. ``action`` is the kind and the ex-date of the corporate action that it is.
    """

    line: int
    type: TransactionType
    moment: Moment
    stock: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = ZERO
    tax: Decimal = ZERO
    ratio: tuple[Decimal, Decimal] | None = None
    currency: str | None = None
    external_id: str | None = None
    note: str = ""
    fx_rate: Decimal | None = None
    base_currency: str | None = None
    label: int | None = None
    reverses: int | None = None
    replaces: int | None = None
    action: tuple[str, date] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row cannot be taken; ``column`` is ours, empty where it is about the whole row."""

    line: int
    column: str
    reason: str


class RowReader:
    """Reads the records of one file, whose header is given."""

    def __init__(self, layout: Layout, line: int, header: Sequence[str]) -> None:
        self._layout, self._width = layout, len(header)
        self._places = layout.places(line, header)
        self._number = number_reader(layout.decimal, layout.thousands)
        self._moment = moment_reader(layout.date_format, ZoneInfo(layout.time_zone))
        self._types = layout.types or {kind.value: kind.value for kind in TransactionType}
        self._plain = {name: place[0] for name, place in self._places.items() if len(place) == 1}
        self._joined = {name: place for name, place in self._places.items() if len(place) > 1}
        others: dict[str, Callable[[str], Any]] = {
            "ratio": ratio,
            "currency": _currency,
            "base_currency": _currency,
            "sequence": _label,
            "reverses": _label,
            "replaces": _label,
            "action": _action,
            "traded_at": self._moment,
        }
        self._readers = others | {name: _text_reader(longest) for name, longest in _LONGEST.items()}
        # Nobody is asked whether what is not read back is well formed.
        self._ignored = frozenset(OWN[-2:])

    def read(self, line: int, cells: Sequence[str]) -> Row | Refusal | None:
        """The row, why it is none, or None where the mapping says that it is to be left out."""
        if len(cells) != self._width and not self._is_padded(cells):
            return Refusal(line, "", f"has {len(cells)} cells, where the header has {self._width}")
        texts = dict(self._layout.constants)
        for name, place in self._plain.items():
            if text := cells[place].strip():
                texts[name] = text
        for name, places in self._joined.items():
            if text := " ".join(part for place in places if (part := cells[place].strip())):
                texts[name] = text
        word = texts.pop("type", "")
        meaning = self._types.get(word.upper())
        if meaning == SKIP:
            return None
        if meaning is None:
            return Refusal(line, "type", f"{word[:40]!r} is no known type" if word else "is needed")
        name = ""
        try:
            values: dict[str, Any] = {}
            for name, text in texts.items():
                if name in _BOUNDS:
                    if number := self._number(text):
                        values[name] = number
                elif name not in self._ignored:
                    values[name] = self._readers[name](text)
            name = "type"
            kind = _kind(meaning, values)
            for name in _BOUNDS:
                if name in values:
                    values[name] = self._figure(name, values[name])
        except BadCell as problem:
            return Refusal(line, name, str(problem))
        return self._row(line, kind, values)

    def _is_padded(self, cells: Sequence[str]) -> bool:
        """Whether all cells beyond the header are empty, as some programs end their lines."""
        return len(cells) > self._width and not any(cell.strip() for cell in cells[self._width :])

    def _figure(self, name: str, value: Decimal) -> Decimal:
        if value < 0:
            if not self._layout.drop_signs:
                raise BadCell("must not be negative")
            value = -value
        places, below = _BOUNDS[name]
        return bounded(value, places=places, below=below)

    def _row(self, line: int, kind: TransactionType, values: dict[str, Any]) -> Row | Refusal:
        if "traded_at" not in values:
            return Refusal(line, "traded_at", "is needed")
        action = values.get("action")
        if action is not None and action[0] not in _KINDS_OF.get(kind, ()):
            return Refusal(line, "action", f"is none that a {kind} can be")
        given = {name for name in FIGURES if name in values}
        if "stock_code" in values:
            given.add("stock")
        if kind is TransactionType.DIVIDEND and self._layout.columns is None:
            # Of a dividend per share they say how its amount came about.
            given -= {"quantity", "price"}
        if self._layout.drop_unused:
            for name in unused(kind, given):
                values.pop("stock_code" if name == "stock" else name)
                given.discard(name)
        for column, problem in form_problems(kind, given).items():
            return Refusal(line, column, problem)
        if kind in TRADES and "price" not in given:
            return Refusal(line, "price", f"is needed for {kind}")
        return Row(
            line=line,
            type=kind,
            moment=values.pop("traded_at"),
            stock=values.pop("stock_code", None),
            label=values.pop("sequence", None),
            **values,
        )


def _kind(meaning: str, values: dict[str, Any]) -> TransactionType:
    """The type, told by a sign, which is taken off, where the word has two meanings."""
    if meaning not in SIDED:
        return TransactionType(meaning)
    name = "amount" if meaning == "CASH" or "quantity" not in values else "quantity"
    if name not in values:
        raise BadCell(f"has no {name}, whose sign would say what the row is")
    comes, goes = SIDED[meaning]
    value = values[name]
    values[name] = abs(value)
    return goes if value < 0 else comes


def _currency(text: str) -> str:
    code = text.upper()
    if not is_currency(code):
        raise BadCell("must be an ISO 4217 currency code")
    return code


def _label(text: str) -> int:
    if _LABEL.fullmatch(text) is None:
        raise BadCell("is not the number of a row")
    return int(text)


def _action(text: str) -> tuple[str, date]:
    match = _ACTION.fullmatch(text)
    try:
        if match is not None:
            return match[1], date.fromisoformat(match[2])
    except ValueError:
        pass
    raise BadCell('must be written as "dividend 2024-02-09": the kind and the ex-date')


def _text_reader(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > longest:
            raise BadCell(f"has more than {longest} characters")
        return text

    return read
