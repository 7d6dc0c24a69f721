"""The room of a user's own alerts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied

from accounts.principal import Principal


class AlertRoom:
    """``alert:{user}``: the alerts of one user, each of which counts. Nobody else may be in it."""

    mode = "log"

    def admits(self, principal: Principal, key: str) -> bool:
        return key == str(principal.user_id)

    def authorize(self, principal: Principal, key: str) -> None:
        if not self.admits(principal, key):
            raise PermissionDenied

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """None: an alert is an event, and what was fired before the log is read over HTTP."""
        return None
