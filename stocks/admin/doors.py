"""How staff pages without a table are entered, and how what is done there is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User

logger = logging.getLogger(__name__)

#: Who may see these pages, and who may act on them.
SEE, ACT = "stocks.view_jobrun", "stocks.change_jobrun"

View = Callable[[HttpRequest], HttpResponse]


def shown(view: View) -> View:
    """A page that changes nothing, for staff who may see runs of jobs."""
    return require_safe(_guarded(view, SEE))


def acting(view: View) -> View:
    """What changes something: by POST with the form's token alone, for staff who may change runs of jobs."""
    return require_POST(_guarded(view, ACT))


def _guarded(view: View, permission: str) -> View:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return view(request)

    # Sends whoever is not staff to sign in, checks the token of forms, and keeps pages out of caches.
    staff_only: View = admin.site.admin_view(guarded)
    return staff_only


def page(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """The context of a staff page."""
    may_act = request.user.has_perm(ACT)
    return {**admin.site.each_context(request), "title": title, "may_act": may_act, **more}


def write_down(request: HttpRequest, what: str, done: str) -> None:
    """Keep who did something, in the log and among the recent actions."""
    user = cast(User, request.user)  # nobody else comes in here
    logger.warning("%s: %s was %s", user.email, what, done)
    LogEntry.objects.create(
        user=user,
        object_id=what[:200],
        object_repr=what[:200],
        action_flag=CHANGE,
        change_message=done,
    )
