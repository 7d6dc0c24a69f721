"""What a stream of events carries where its client names no rooms."""

from __future__ import annotations

from django.conf import settings

from realtime.rooms import Principal


def default_rooms(principal: Principal) -> list[str]:
    """The user's alerts, where there are such rooms."""
    return [f"alert:{principal.user_id}"] if "alert" in settings.REALTIME_ROOMS else []
