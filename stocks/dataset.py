"""Whose figures this database holds, and how often they changed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from stocks.errors import SandboxAndRealData
from stocks.models import Dataset


def claim(origin: Dataset.Origin) -> None:
    """Mark the database as holding ``origin``, or raise SandboxAndRealData where it holds the other kind.

    Of two first loaders the second one waits for the first one's transaction and then sees who won.
    """
    # Held already, the row is not locked: every load would hold up whoever raises the version.
    if Dataset.objects.filter(id=1, origin=origin).exists():
        return
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().get(id=1)
        if dataset.origin == origin:
            return
        if dataset.origin != Dataset.Origin.EMPTY:
            held = "the sandbox market" if dataset.origin == Dataset.Origin.SANDBOX else "real data"
            raise SandboxAndRealData(
                f"This database holds {held}; the two never mix. Start an empty one with another directory: "
                "STATE_DIR=.state-real MARKET_DATA=none make run (or give an empty DATABASE_URL)."
                if dataset.origin == Dataset.Origin.SANDBOX
                else f"This database holds {held}; the two never mix. "
                "Start the sandbox with another directory: STATE_DIR=.state-sandbox make run."
            )
        Dataset.objects.filter(id=1).update(origin=origin)


def refuse_sandbox() -> None:
    """Raise SandboxAndRealData where the database holds the sandbox, and claim nothing."""
    if Dataset.objects.filter(id=1, origin=Dataset.Origin.SANDBOX).exists():
        claim(Dataset.Origin.REAL)


def data_version() -> int:
    """The version of bars, statements and indicators: it rises with every change of them."""
    return Dataset.objects.values_list("version", flat=True).get(id=1)


def bump_version() -> None:
    """Say that bars, statements or indicators changed; call it in the transaction of the change."""
    Dataset.objects.filter(id=1).update(version=F("version") + 1)
