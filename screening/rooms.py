"""The rooms of live screens."""

from __future__ import annotations

from typing import Any

from accounts.principal import Principal
from realtime.errors import RoomUnknown
from screening.live.reading import screen_id_of
from screening.live.standing import standing
from screening.saved.selectors import screen_open_to


class ScreenRoom:
    """``screen:{id}``: who enters and leaves a saved screen, for its owner and whoever it is shared with."""

    mode = "log"

    def authorize(self, principal: Principal, key: str) -> None:
        screen_id = screen_id_of(key)
        if screen_id is None or screen_open_to(principal.user_id, screen_id) is None:
            raise RoomUnknown("SCREEN_NOT_FOUND", "There is no screen with this id.", screen=key)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """Who is in the screen now; None for one that was deleted meanwhile."""
        screen_id = screen_id_of(key)
        return None if screen_id is None else standing(screen_id)
