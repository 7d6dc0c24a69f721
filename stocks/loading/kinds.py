"""What the frame of a load asks of each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from stocks.loading.layouts import Header
from stocks.loading.source import SourceFile
from stocks.loading.table import Batch, Refusal

Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch's checked rows; the four add up to them."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: Sequence[Refusal] = field(default_factory=tuple)


class Kind(Protocol[Checked]):
    """One kind of file on its way into the tables; made for one load."""

    def options(self) -> dict[str, Any]:
        """What makes this load another one of the same file, as JSON."""

    def begin(self) -> None:
        """Prepare, inside the transaction of the load."""

    def check(self, batch: Batch) -> tuple[Checked, list[Refusal]]:
        """Tell rows from refusals without the database; runs in another thread."""

    def write(self, checked: Checked) -> Written:
        """Store the rows of one batch."""

    def finish(self) -> dict[str, Any]:
        """Complete the load; returns further facts for the summary."""

    def close(self) -> None:
        """Free what the load held, also after a failure."""


Make = Callable[[Header, SourceFile], Kind[Any]]
