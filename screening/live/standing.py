"""What somebody is told who joins a screen's room: who is in it, so that the events go on from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models.functions import Now
from rest_framework.exceptions import ValidationError

from screening.criteria import Screen
from screening.engine import current_view, find
from screening.errors import ScreenTooSlow
from screening.fields import column
from screening.live.events import Event
from screening.live.reading import GROUP, digest
from screening.live.rows import MOST_SHOWN, Rows, first_of, most_rows
from screening.live.telling import TYPE
from screening.models import LiveScreen, SavedScreen
from screening.saved.serializers import stored_screen
from screening.selectors import ordered, row_of, shown_names
from screening.snapshot.table import View
from stocks.models import ProcessLease, Stock

# One statement sees one state of both.
_MEMBERS = """
SELECT coalesce((SELECT max(number) FROM screening_screenbatch), 0),
       array(SELECT stock_id FROM screening_screenmember WHERE live_id = %(live)s)
"""


def standing(screen_id: UUID) -> dict[str, Any] | None:
    """The fields of the message; None where there is no such screen, or it takes too long to find.

    Where no process keeps the screen live yet, it is asked here, and ``live`` is false: what the one that
    takes it up finds comes as an event.
    """
    screen = SavedScreen.objects.filter(pk=screen_id, user__is_active=True).first()
    if screen is None:
        return None
    try:
        run = stored_screen(screen)
        run = replace(run, page=1, per_page=most_rows(_names(run), MOST_SHOWN))
    except ValidationError:
        return {"type": TYPE, "data": {"event": Event.GONE, "number": 0}}
    kept = LiveScreen.objects.filter(screen_id=screen_id, asked=digest(screen)).first()
    if kept is None:
        return _found(run)
    number, ids = _members(kept)
    working = ProcessLease.objects.filter(name=GROUP, until__gt=Now()).exists()
    view = current_view()
    data = {
        "event": Event.MEMBERS,
        "number": number,
        "total": len(ids),
        "live": kept.told and working,
        "stocks": _stored_rows(run, ids) if view is None else _rows(view, run, ids),
    }
    return {"type": TYPE, "data": data}


def _names(run: Screen) -> dict[str, str]:
    return {name: column(name) for name in shown_names(run)}


def _found(run: Screen) -> dict[str, Any] | None:
    try:
        matches = find(run)
    except ScreenTooSlow:
        return None
    data = {
        "event": Event.MEMBERS,
        "number": 0,
        "total": matches.total,
        "live": False,
        "stocks": matches.rows,
    }
    return {"type": TYPE, "data": data}


def _members(live: LiveScreen) -> tuple[int, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, {"live": live.pk})
        number, ids = cursor.fetchone()
    return number, ids


def _rows(view: View, run: Screen, ids: list[int]) -> Any:
    members = np.isin(view.snapshot.ids, np.array(ids, np.int32))
    names = _names(run)
    return Rows(view).rows(first_of(view, run, names, members).tolist(), names)


def _stored_rows(run: Screen, ids: list[int]) -> list[dict[str, Any]]:
    """The same from the database, with the figures of the last session."""
    names = shown_names(run)
    columns = list(dict.fromkeys(column(name) for name in names))
    stocks = ordered(Stock.objects.filter(id__in=ids), run, columns)[: run.per_page]
    return [row_of(names, columns, values) for values in stocks]
