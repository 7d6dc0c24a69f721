"""What was asked of the providers before, so that it is not asked again too soon."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q

from stocks.models import Fetched

#: A session that a provider lacked may be one that it has not published yet.
SETTLED = timedelta(days=7)
#: For this long a history that was asked for is not asked for again, however often a backfill is begun anew.
SINCE_KEPT = timedelta(days=7)
# Names of two dates and a code fit: 7 + 32 + 2 * 11 of 80 characters.
_ABSENT = "absent:"
_OF_CODES = """
SELECT split_part(name, ':', 2), split_part(name, ':', 3)::date, split_part(name, ':', 4)::date
  FROM stocks_fetched
 WHERE name >= 'absent:' AND name < 'absent;' AND split_part(name, ':', 2) = ANY(%s)
"""


def remember(
    kind: str, codes: Iterable[str], *, at: datetime, missing: bool = False, source: str = ""
) -> None:
    """Note that ``kind`` (bars, actions, statements) was asked for these stocks."""
    names = [f"{kind}:{code}" for code in dict.fromkeys(codes)]
    _write([Fetched(name=name, at=at, missing=missing, source=source) for name in names])


def remember_since(kind: str, code: str, start: date, *, at: datetime, source: str = "") -> None:
    """Note that all of ``kind`` since ``start`` was asked for."""
    _write([Fetched(name=f"{kind}_since:{code}:{start}", at=at, source=source)])


def asked_since(kind: str, start: date, *, now: datetime, codes: Sequence[str] | None = None) -> set[str]:
    """The codes (of ``codes``) for which all of ``kind`` since ``start`` was asked for lately."""
    rows = Fetched.objects.filter(at__gt=now - SINCE_KEPT).order_by()
    if codes is None:
        rows = rows.filter(name__startswith=f"{kind}_since:")
    else:
        rows = rows.filter(reduce(or_, (Q(name__startswith=f"{kind}_since:{code}:") for code in codes)))
    parts = (name.split(":") for name in rows.values_list("name", flat=True))
    return {code for _, code, since in parts if date.fromisoformat(since) <= start}


def remember_absent(absent: Mapping[str, Iterable[tuple[date, date]]], *, at: datetime) -> None:
    """Note the spans of sessions of each code for which there was no bar."""
    rows = [
        Fetched(name=f"{_ABSENT}{code}:{first}:{last}", at=at, missing=True)
        for code, spans in absent.items()
        for first, last in spans
    ]
    _write(rows)


def absent_spans(codes: Sequence[str]) -> dict[str, list[tuple[date, date]]]:
    """The spans of sessions that were asked for in vain, by code."""
    found: dict[str, list[tuple[date, date]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_CODES, [list(codes)])
        for code, first, last in cursor.fetchall():
            found.setdefault(code, []).append((first, last))
    return found


def runs(days: Collection[date], sessions: Sequence[date], *, apart: int = 0) -> list[tuple[date, date]]:
    """The days as spans of sessions that follow each other, oldest first.

    Args:
        days: some of ``sessions``.
        sessions: all of them, oldest first.
        apart: spans with at most so many other sessions between them are one.
    """
    found: list[tuple[date, date]] = []
    last_at = 0
    for at, day in enumerate(sessions):
        if day not in days:
            continue
        if found and at - last_at - 1 <= apart:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
        last_at = at
    return found


def _write(rows: Sequence[Fetched]) -> None:
    Fetched.objects.bulk_create(
        sorted(rows, key=lambda row: row.name),
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "missing", "source"],
        batch_size=1000,
    )
