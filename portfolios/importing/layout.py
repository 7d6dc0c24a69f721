"""How a file is laid out: which columns it has, and how its words, numbers and days are to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from portfolios.errors import FileUnreadable
from portfolios.importing.cells import ISO
from portfolios.types import TransactionType

#: What a file of another layout can tell of a transaction.
MAPPED: Final = (
    *("type", "stock_code", "quantity", "price", "amount", "fee", "tax", "ratio"),
    *("currency", "traded_at", "external_id", "note"),
)
#: The columns that export writes. The last two say where a price came from, and are not read back.
OWN: Final = (
    *("sequence", *MAPPED, "fx_rate", "base_currency", "reverses", "replaces", "action"),
    *("price_basis", "price_as_of"),
)
NEEDED: Final = ("type", "traded_at")

#: Words that stand for two types: the sign of the quantity (of CASH, the amount) says which one.
SIDED: Final = {
    "TRADE": (TransactionType.BUY, TransactionType.SELL),
    "CASH": (TransactionType.DEPOSIT, TransactionType.WITHDRAW),
    "TRANSFER": (TransactionType.TRANSFER_IN, TransactionType.TRANSFER_OUT),
}
#: The word of rows that are no transactions.
SKIP: Final = "SKIP"
MEANINGS: Final = (*(kind.value for kind in TransactionType), *SIDED, SKIP)

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
#: Encodings in which delimiters, quotes and line ends are the bytes of ASCII.
ENCODINGS: Final = ("utf-8", "cp949", "cp1252")


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout of a file; without arguments, our own.

    ``columns`` names theirs by ours, several of which are joined by a space; None says that they are named as
    ours are, and that no other is there. ``types`` gives the meaning of each word, in capitals; without any,
    words are the types themselves. ``constants`` are of every row. Rows of the same moment take effect in the
    order of the file, or with ``newest_first`` against it. With ``drop_signs`` a figure below 0
    stands for that figure without its sign, with ``drop_unused`` a figure that a type does not have for none;
    without them such rows are refused.
    """

    columns: Mapping[str, Sequence[str]] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ISO
    time_zone: str = "UTC"
    decimal: str = "."
    thousands: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    header_line: int = 1
    newest_first: bool = False
    drop_signs: bool = False
    drop_unused: bool = False

    def places(self, line: int, header: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Where the cells of each of our columns stand; raises FileUnreadable."""
        names = [name.strip() for name in header]
        if self.columns is None:
            return {name: (index,) for name, index in _own_places(line, names).items()}
        found = {
            ours: tuple(_place_of(line, names, theirs) for theirs in columns)
            for ours, columns in self.columns.items()
        }
        _need(line, [*found, *self.constants])
        return found


def _own_places(line: int, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        if name not in OWN:
            raise FileUnreadable(
                f"is the unknown column {name[:40]!r}; known are {', '.join(OWN)}. Columns of other names"
                " need a mapping",
                line=line,
                column=index + 1,
            )
        if name in found:
            raise FileUnreadable(f"is a second column {name!r}", line=line, column=index + 1)
        found[name] = index
    _need(line, found)
    return found


def _place_of(line: int, names: Sequence[str], theirs: str) -> int:
    places = [index for index, name in enumerate(names) if name == theirs.strip()]
    if not places:
        raise FileUnreadable(f"has no column {theirs[:40]!r}", line=line)
    if len(places) > 1:
        raise FileUnreadable(
            f"is a second column {theirs[:40]!r}, so that it is unclear which one is meant",
            line=line,
            column=places[1] + 1,
        )
    return places[0]


def _need(line: int, names: Sequence[str] | Mapping[str, int]) -> None:
    for name in NEEDED:
        if name not in names:
            raise FileUnreadable(f"has no column for {name}", line=line)
