"""Keep, change, share and delete screens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from realtime.control import tell_room
from screening.errors import ScreenExists, ScreenLimitReached, ScreenNotFound
from screening.models import Alert, SavedScreen
from screening.saved.selectors import screens_of

MAX_SCREENS: Final = 200


@transaction.atomic
def screen_save(
    *, user: User, name: str, description: str, asked: Mapping[str, Any], now: datetime
) -> SavedScreen:
    """Keep a screen; raises ScreenExists for a name the user has, ScreenLimitReached at MAX_SCREENS."""
    # The lock makes parallel calls count one after the other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if screens_of(user).count() >= MAX_SCREENS:
        raise ScreenLimitReached(limit=MAX_SCREENS)
    screen = SavedScreen(
        user=user, name=name, description=description, asked=dict(asked), created_at=now, changed_at=now
    )
    _write(screen)
    return screen


@transaction.atomic
def screen_change(
    *, user: User, screen_id: UUID, changes: Mapping[str, Any], asked: Mapping[str, Any], now: datetime
) -> SavedScreen:
    """Change ``name``, ``description`` and the parts of what is asked that are given; None takes a part out.

    Raises ScreenNotFound for any other id, ScreenExists for the name of another screen of the user.
    """
    screen = _locked(user, screen_id)
    for field, value in changes.items():
        setattr(screen, field, value)
    merged = {**screen.asked, **asked}
    screen.asked = {part: value for part, value in merged.items() if value is not None}
    screen.changed_at = now
    _write(screen)
    return screen


@transaction.atomic
def screen_share(*, user: User, screen_id: UUID) -> SavedScreen:
    """Give the screen a token for whoever is to see it, unless it has one; raises ScreenNotFound."""
    screen = _locked(user, screen_id)
    if screen.share_token is None:
        screen.share_token = secrets.token_urlsafe(32)
        screen.save(update_fields=["share_token"])
    return screen


def screen_unshare(*, user: User, screen_id: UUID) -> None:
    """End the token at once, and have others leave the screen's room; raises ScreenNotFound."""
    if screens_of(user).filter(pk=screen_id).update(share_token=None) != 1:
        raise ScreenNotFound
    transaction.on_commit(lambda: tell_room(f"screen:{screen_id}"))


@transaction.atomic
def screen_delete(*, user: User, screen_id: UUID) -> None:
    """Forget a screen and the alerts on it; what they told stays. Raises ScreenNotFound for any other id."""
    _, deleted = screens_of(user).filter(pk=screen_id).delete()
    if not deleted.get(SavedScreen._meta.label):
        raise ScreenNotFound
    Alert.objects.filter(kind=Alert.Kind.SCREEN, screen_id=screen_id).delete()


def _locked(user: User, screen_id: UUID) -> SavedScreen:
    screen = screens_of(user).select_for_update(no_key=True).filter(pk=screen_id).first()
    if screen is None:
        raise ScreenNotFound
    return screen


def _write(screen: SavedScreen) -> None:
    try:
        with transaction.atomic():
            screen.save()
            # As it will be read from now on: numbers in the form that the database gives them.
            screen.refresh_from_db(fields=["asked"])
    except IntegrityError as error:
        if screens_of(screen.user).exclude(pk=screen.pk).filter(name=screen.name).exists():
            raise ScreenExists from error
        raise
