"""What a stream of events carries where its client names no rooms."""

from __future__ import annotations

from django.conf import settings

from portfolios.selectors.held import held_codes_of, portfolio_ids_of
from realtime.rooms import Principal


def default_rooms(principal: Principal) -> list[str]:
    """The user's alerts, portfolios, and the prices of what these hold, as far as there are such rooms.

    In this order: where the tier has fewer rooms, it is prices that the stream does without.
    """
    user = principal.user_id
    rooms = [f"alert:{user}"]
    rooms += [f"portfolio:{portfolio_id}" for portfolio_id in portfolio_ids_of(user)]
    rooms += [f"price:{code}" for code in held_codes_of(user)]
    return [room for room in rooms if room.partition(":")[0] in settings.REALTIME_ROOMS]
