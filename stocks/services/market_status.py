"""Tells the rooms of markets when trading begins, pauses and ends."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from realtime.protocol.names import InvalidRoom, parse_room
from realtime.publish import SharedEvent, fields_json, publish_shared
from stocks.models import Market
from stocks.selectors.status import Hours, State, hours_at
from stocks.sessions import Schedule, schedule

TYPE = "market_status"
#: The place of the status in a market's room, beside the codes of its stocks; no code has an "@".
KEY = "@status"
# What a room holds ends after a fortnight in which it was told nothing, so a status that lasts is told again.
AGAIN = timedelta(days=7)

#: What a market does, in the words of its room.
SESSIONS = {State.OPEN: "regular", State.PAUSE: "pause", State.CLOSED: "closed", State.UNKNOWN: "unknown"}


def publish_market_statuses(*, now: datetime) -> None:
    """Tell each market's room its status, where it was not told yet: to be called every minute, by anybody.

    Redis compares when the status began with what the room was told, in the same step, so however many call,
    each opening and closing is told once. An emptied Redis remembers nothing and is told anew. Raises
    redis.RedisError.
    """
    publish_shared(list(_events(Market.objects.all(), now)))


def _events(markets: Iterable[Market], now: datetime) -> Iterable[SharedEvent]:
    for market in markets:
        room = f"market:{market.code}"
        try:
            parse_room(room)
        except InvalidRoom:
            # One that no room can be named after must not keep the others back.
            continue
        sessions = schedule(market.calendar)
        hours = hours_at(sessions, now)
        since = _since(sessions, hours, now)
        again = (int(now.timestamp()) - since) // int(AGAIN.total_seconds())
        fields = fields_json(status_fields(market.code, hours))
        yield SharedEvent(TYPE, fields, [(room, KEY)], f"{since:012d}{again:06d}")


def status_fields(code: str, hours: Hours) -> dict[str, Any]:
    """A market's status as the fields of its message.

    It is that of `GET /v1/market/status`: by the exchange's calendar, for the sandbox as well, whose prices
    move around the clock.
    """
    return {
        "market": code,
        "data": {
            "is_open": hours.state == State.OPEN,
            "session": SESSIONS[hours.state],
            "next_open": hours.next_open,
            "next_close": hours.next_close,
        },
    }


def _since(sessions: Schedule, hours: Hours, now: datetime) -> int:
    """When the status began, in Unix seconds: later for each status than for the one before."""
    today = hours.today
    if hours.state == State.UNKNOWN:
        # Beyond its last day the calendar follows a status that began with the last close.
        return sessions.closes[-1] + 1 if now.timestamp() > sessions.closes[-1] else 0
    if hours.state == State.CLOSED or today is None:
        closed = bisect_left(sessions.closes, now.timestamp()) - 1
        return sessions.closes[closed] if closed >= 0 else 0
    began = today.opens
    if today.pause is not None:
        began = max([began, *(moment for moment in today.pause if moment <= now)])
    return int(began.timestamp())
