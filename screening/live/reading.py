"""Which screens are to be kept live, what they ask, and what is stored of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from rest_framework.exceptions import ValidationError

from realtime.presence import occupied
from screening.live.board import Definition
from screening.live.events import Move, unpacked
from screening.models import Alert, LiveScreen, SavedScreen, ScreenBatch, ScreenMember
from screening.models.saved import ExactEncoder
from screening.saved.serializers import stored_screen
from screening.snapshot.table import Numbers
from stocks.models import Stock

#: The consumer group of the stream, and the lease of the process that works.
GROUP: Final = "screens"
#: The prefix of the rooms.
ROOM: Final = "screen"


class Stored(NamedTuple):
    """A live screen as it is written down."""

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
    return set(found.order_by().values_list("screen_id", flat=True).distinct())


def definitions(
    screen_ids: Iterable[UUID], known: Mapping[UUID, tuple[datetime, Definition | None]]
) -> dict[UUID, tuple[datetime, Definition | None]]:
    """What these screens ask, with when they were changed; without those that are deleted.

    None stands for a screen that cannot be asked any more. ``known`` is what this gave before: a screen that
    was not changed since is not read again.
    """
    rows = SavedScreen.objects.filter(id__in=list(screen_ids), user__is_active=True).order_by()
    times = dict(rows.values_list("id", "changed_at"))
    news = [screen_id for screen_id, at in times.items() if known.get(screen_id, (None,))[0] != at]
    read = {one.pk: (one.changed_at, _definition(one)) for one in rows.filter(id__in=news)} if news else {}
    return {
        screen_id: read[screen_id] if screen_id in read else known[screen_id]
        for screen_id in times
        if screen_id in read or screen_id in known
    }


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
    members: dict[UUID, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT screen_id, array_agg(stock_id) FROM screening_screenmember GROUP BY screen_id")
        members.update(cursor.fetchall())
    return {
        screen_id: Stored(asked, told, np.array(members.get(screen_id, ()), np.int32))
        for screen_id, asked, told in LiveScreen.objects.values_list("screen_id", "asked", "told")
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


def clear_orphans() -> None:
    """Forget the members of screens that are not live."""
    ScreenMember.objects.exclude(screen_id__in=LiveScreen.objects.values("screen_id")).delete()


def codes_of(stock_ids: Iterable[int]) -> dict[int, str]:
    """The codes of stocks, also of those that are no longer listed."""
    return dict(Stock.objects.filter(id__in=list(stock_ids)).order_by().values_list("id", "code"))
