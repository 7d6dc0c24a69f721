"""The rooms of a stream whose client named none: what its user has, as the settings say.

`settings.REALTIME_DEFAULT_ROOMS` is the dotted name of a function that takes a principal and returns names of
rooms; it may use the ORM. They change while the stream is open: `realtime.control.tell_rooms`
says so to the streams of all processes, which then join and leave without a reconnect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from realtime.authentication import Principal


def default_rooms(principal: Principal) -> Sequence[str]:
    """The rooms of this user's default stream."""
    function: Callable[[Principal], Sequence[str]] = import_string(settings.REALTIME_DEFAULT_ROOMS)
    return function(principal)
