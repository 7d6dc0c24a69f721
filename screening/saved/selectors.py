"""What is read of saved screens."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from screening.errors import ScreenNotFound
from screening.models import SavedScreen


def screens_of(user: User) -> QuerySet[SavedScreen]:
    """The user's screens by name."""
    return SavedScreen.objects.filter(user=user)


def screen_of(user: User, screen_id: UUID) -> SavedScreen:
    """A screen of the user; raises ScreenNotFound for any other id, those of others included."""
    screen = screens_of(user).filter(pk=screen_id).first()
    if screen is None:
        raise ScreenNotFound
    return screen


def shared_screen(token: str) -> SavedScreen:
    """The screen that is shared under this token; raises ScreenNotFound."""
    shared = SavedScreen.objects.filter(share_token=token, user__is_active=True)
    screen = shared.first() if token.isprintable() else None
    if screen is None:
        raise ScreenNotFound
    return screen


def screen_open_to(user_id: UUID, screen_id: UUID) -> SavedScreen | None:
    """The screen where it is the user's own, or one that its owner shares; None where it is neither."""
    may = Q(user_id=user_id) | Q(share_token__isnull=False)
    return SavedScreen.objects.filter(may, pk=screen_id, user__is_active=True).first()
