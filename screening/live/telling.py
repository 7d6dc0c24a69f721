"""Telling of live screens: alerts first, then rooms. What is told again counts once.

Each event of a room has a version: the epoch of the lease, and its number in that epoch. A room that has
reached a version leaves it and all before it out, so a batch can be told again by whoever comes next, and
what a process that was paused and replaced still publishes comes to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from realtime.publish import SharedEvent, fields_json, publish_shared
from screening.alerts.screens import ScreenEvent, screens_changed
from screening.live.board import Board
from screening.live.events import Event, Move
from screening.live.market import Market
from screening.live.reading import ROOM, Untold
from screening.live.rows import Rows, first_of
from stocks.failpoints import reach
from stocks.wire_text import moment

TYPE = "screen"


class Scene(NamedTuple):
    """What the screens are like now. ``number`` is that of the last batch that the members follow."""

    market: Market
    board: Board
    number: int
    #: The screens whose rooms are told.
    rooms: Collection[UUID]


class Update(NamedTuple):
    """Members of a screen, by place, of which figures have changed."""

    place: int
    positions: Sequence[int]


def fire_alerts(batch: Untold, watched: Collection[UUID] | None, now: datetime) -> int:
    """Fire the alerts on the stocks that entered and left, once each; ``watched`` None: on any screen."""
    events = [
        ScreenEvent(
            screen_id=move.screen_id,
            entered=move.event is Event.ENTER,
            stock_code=move.stock_code,
            cause=f"{move.stock_code} {batch.number}",
            as_of=moment(move.as_of),
            price=move.price,
        )
        for move in batch.moves
        if move.event in (Event.ENTER, Event.LEAVE) and (watched is None or move.screen_id in watched)
    ]
    return screens_changed(events, now=now) if events else 0


def tell_rooms(batch: Untold, scene: Scene) -> int:
    """Publish a batch, in order; returns how many events it had for rooms."""
    rows = Rows(scene.market.view)
    events = []
    for at, move in enumerate(batch.moves):
        if move.event is Event.GONE:
            fields = fields_json({"data": {"event": move.event, "number": batch.number}})
        elif move.screen_id not in scene.rooms or (place := scene.board.places.get(move.screen_id)) is None:
            continue
        elif move.event is Event.MEMBERS:
            fields = fields_json({"data": members_data(scene, place, rows)})
        else:
            fields = _crossing(move, batch.number, scene, place, rows)
        events.append(_shared(move.screen_id, fields, batch.epoch, batch.first + at))
    publish_shared(events)
    reach("after_publish")
    return len(events)


def tell_updates(updates: Sequence[Update], scene: Scene, *, epoch: int, first: int) -> None:
    """Publish figures that have changed, one event a screen, numbered from ``first`` on."""
    rows = Rows(scene.market.view)
    events = []
    for at, (place, positions) in enumerate(updates):
        one = scene.board.definitions[place]
        data = {
            "event": Event.UPDATE,
            "number": scene.number,
            "total": scene.board.total(place),
            "stocks": rows.rows(positions, one.names),
        }
        events.append(_shared(one.screen_id, fields_json({"data": data}), epoch, first + at))
    publish_shared(events)


def members_data(scene: Scene, place: int, rows: Rows) -> dict[str, Any]:
    """Who is in a screen: the total, and the first members with their figures."""
    one = scene.board.definitions[place]
    positions = first_of(scene.market.view, one.screen, one.names, scene.board.members[place])
    return {
        "event": Event.MEMBERS,
        "number": scene.number,
        "total": scene.board.total(place),
        "live": True,
        "stocks": rows.rows(positions.tolist(), one.names),
    }


def _crossing(move: Move, number: int, scene: Scene, place: int, rows: Rows) -> bytes:
    """The fields of an event of a stock. There are thousands a second, so they are written by hand."""
    position = scene.market.snapshot.positions.get(move.stock_code)
    stock = "null" if position is None else rows.row(position, scene.board.definitions[place].names)
    return (
        f'{{"data":{{"event":"{move.event}","number":{number},"total":{scene.board.total(place)},'
        f'"stock_code":{rows.code(move.stock_code)},"as_of":"{rows.time(move.as_of)}","stock":{stock}}}}}'
    ).encode()


def _shared(screen_id: UUID, fields: bytes, epoch: int, number: int) -> SharedEvent:
    version = f"{epoch:012d}{number:015d}"
    return SharedEvent(TYPE, fields, [(f"{ROOM}:{screen_id}", "")], version)
