"""Which screens are to be kept live, what they ask, and what is stored of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Set
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from rest_framework.exceptions import ValidationError

from realtime.presence import occupied
from screening.live.definition import Definition
from screening.live.events import Move, unpacked
from screening.models import Alert, LiveScreen, SavedScreen, ScreenBatch, ScreenMember
from screening.models.saved import ExactEncoder
from screening.saved.serializers import stored_screen
from screening.snapshot.table import Numbers
from stocks.models import Stock

_MARK: Final = """
SELECT md5(string_agg(screen.id::text || screen.changed_at::text, ',' ORDER BY screen.id))
  FROM screening_savedscreen AS screen JOIN accounts_user AS account ON account.id = screen.user_id
 WHERE screen.id = ANY(%s) AND account.is_active
"""
#: The consumer group of the stream, and the lease of the process that works.
GROUP: Final = "screens"
#: The prefix of the rooms.
ROOM: Final = "screen"


class Stored(NamedTuple):
    """A live screen as it is written down, under its number."""

    live: int
    asked: str
    told: bool
    members: Numbers


class Untold(NamedTuple):
    """A batch that somebody may not know yet; ``first`` is the number of its first event in the epoch."""

    number: int
    epoch: int
    first: int
    moves: list[Move]


def rooms_with_members() -> set[UUID]:
    """The screens in whose rooms somebody is; raises redis.RedisError."""
    return {screen_id for key in occupied(ROOM) if (screen_id := screen_id_of(key)) is not None}


def screen_id_of(key: str) -> UUID | None:
    """The screen that a room's key names; None for a text that names none."""
    try:
        screen_id = UUID(key)
    except ValueError:
        return None
    # Another spelling would be another room.
    return screen_id if str(screen_id) == key else None


def screens_with_alerts() -> set[UUID]:
    """The screens that an active alert looks at."""
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    found = Alert.objects.filter(
        alive, kind=Alert.Kind.SCREEN, status=Alert.Status.ACTIVE, user__is_active=True
    )
    ids = found.order_by().values_list("screen_id", flat=True).distinct()
    return {screen_id for screen_id in ids if screen_id is not None}


class Definitions:
    """What screens ask, read again where it was changed."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[datetime, Definition | None]] = {}
        self._mark: object = None

    def read(self, screen_ids: Set[UUID]) -> dict[UUID, Definition]:
        """Those of these screens that are there and can be asked."""
        mark = (screen_ids, _mark(screen_ids))
        if mark != self._mark:
            self._known = self._changed(screen_ids)
            self._mark = mark
        return {screen_id: one for screen_id, (_, one) in self._known.items() if one is not None}

    def _changed(self, screen_ids: Set[UUID]) -> dict[UUID, tuple[datetime, Definition | None]]:
        rows = SavedScreen.objects.filter(id__in=screen_ids, user__is_active=True).order_by()
        times = dict(rows.values_list("id", "changed_at"))
        kept = {one: known for one, known in self._known.items() if times.get(one) == known[0]}
        news = rows.filter(id__in=times.keys() - kept.keys())
        return kept | {one.pk: (one.changed_at, _definition(one)) for one in news}


def _mark(screen_ids: Set[UUID]) -> str | None:
    """What is another where any of these screens was changed or deleted."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [list(screen_ids)])
        (mark,) = cursor.fetchone()
    assert mark is None or isinstance(mark, str)
    return mark


def _definition(screen: SavedScreen) -> Definition | None:
    try:
        run = stored_screen(screen)
    except ValidationError:
        return None
    if run.as_of is not None:
        return None
    return Definition.of(screen.pk, digest(screen), run)


def digest(screen: SavedScreen) -> str:
    """The name of what a screen asks: that of another question is another."""
    asked = json.dumps(screen.asked, sort_keys=True, cls=ExactEncoder)
    return hashlib.sha256(asked.encode()).hexdigest()


def stored() -> dict[UUID, Stored]:
    """All live screens with their members."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT live_id, array_agg(stock_id) FROM screening_screenmember GROUP BY live_id")
        members: dict[int, list[int]] = dict(cursor.fetchall())
    return {
        screen_id: Stored(live, asked, told, np.array(members.get(live, ()), np.int32))
        for live, screen_id, asked, told in LiveScreen.objects.values_list("id", "screen_id", "asked", "told")
    }


def untold() -> list[Untold]:
    """The batches that were written and may not be told, in order."""
    waiting = ScreenBatch.objects.filter(told_at__isnull=True).order_by("number")
    return [Untold(one.number, one.epoch, one.first, unpacked(bytes(one.events))) for one in waiting]


def note_told(number: int) -> None:
    """Everybody knows the batches up to this one."""
    ScreenBatch.objects.filter(told_at__isnull=True, number__lte=number).update(told_at=Now())


def last_number() -> int:
    """The number of the newest batch, 0 where there was none."""
    return ScreenBatch.objects.order_by("-number").values_list("number", flat=True).first() or 0


def counts() -> tuple[int, int]:
    """How many screens are live, and how many batches are written and not told."""
    return LiveScreen.objects.count(), ScreenBatch.objects.filter(told_at__isnull=True).count()


def clear_orphans() -> None:
    """Forget the members of screens that are not live."""
    ScreenMember.objects.exclude(live_id__in=LiveScreen.objects.values("id")).delete()


def codes_of(stock_ids: Iterable[int]) -> dict[int, str]:
    """The codes of stocks, also of those that are no longer listed."""
    return dict(Stock.objects.filter(id__in=list(stock_ids)).order_by().values_list("id", "code"))
