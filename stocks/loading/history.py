"""Which files were loaded before, so that the same file need not be read again."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from stocks.loading.bar_rules import FUTURE
from stocks.models import LoadedFile, Stock

UNKNOWN_CODE = "unknown code"
_LISTING = "listing"


def recalled(command: str, sha256: str, options: dict[str, Any]) -> dict[str, Any] | None:
    """The summary of an earlier load of the same file with the same options, as that of a skipped one.

    None where there was none, or where rows that it refused could be taken now.
    """
    loaded = LoadedFile.objects.filter(command=command, sha256=sha256, options=options).first()
    if loaded is None:
        return None
    summary = dict(loaded.summary)
    listing = summary.pop(_LISTING, None)
    if UNKNOWN_CODE in summary["reasons"] and listing != _listing():
        return None
    if FUTURE in summary["reasons"]:
        return None
    when = f"{loaded.loaded_at:%Y-%m-%d %H:%M:%S}Z"
    return {
        **summary,
        "inserted": 0,
        "updated": 0,
        "unchanged": summary["rows_in"] - summary["refused"],
        "report": None,
        "skipped": f"the same file was already loaded at {when}; --force loads it again",
    }


def remember(command: str, name: str, sha256: str, options: dict[str, Any], summary: dict[str, Any]) -> None:
    """Note a load, in its transaction."""
    LoadedFile.objects.update_or_create(
        command=command,
        sha256=sha256,
        options=options,
        defaults={
            "name": name[-255:],
            "summary": {**summary, _LISTING: _listing()},
            "loaded_at": timezone.now(),
        },
    )


def _listing() -> list[int]:
    """Changes whenever a stock is added or removed."""
    facts = Stock.objects.aggregate(count=Count("id"), last=Max("id"))
    return [facts["count"], facts["last"] or 0]
