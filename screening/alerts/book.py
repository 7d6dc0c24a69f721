"""All alerts as one book: a tick goes in, what it changes comes out. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from screening.alerts.measures import Key, Measure, Sight, tick_measure
from screening.alerts.rules import Rule, State
from screening.alerts.triggers import Triggers

_MICROS = 1_000_000
_OF_TICKS = frozenset(Measure)


class Firing(NamedTuple):
    """An alert fired with its ``arm``: its measure was ``value``, in units of 10^-8."""

    arm: int
    value: int
    price: int | None
    as_of: int


@dataclass(slots=True)
class Move:
    """What ticks did to one alert: ``before`` is the arm that it had, ``seen`` the last tick that counted."""

    alert_id: UUID
    before: int
    state: State
    arm: int
    seen: Key
    done: bool = False
    firings: list[Firing] = field(default_factory=list)


@dataclass(slots=True)
class Watch:
    """One alert of the book. ``measure`` is a ``Measure``, or the id of an indicator.

    ``cooldown`` counts seconds, the other times microseconds since 1970.
    """

    alert_id: UUID
    code: str
    measure: str
    rule: Rule
    state: State
    arm: int
    seen: Key
    repeat: bool = True
    cooldown: int = 0
    fired_at: int | None = None
    expires_at: int | None = None
    ticket: int = 0


class Book:
    """Alerts by stock and measure. What they come to is collected until it is taken with ``moves``."""

    def __init__(self) -> None:
        self._watches: dict[UUID, Watch] = {}
        self._by_code: dict[str, dict[str, Triggers[Watch]]] = {}
        self._averages: Mapping[str, Fraction] = {}
        self._moves: dict[UUID, Move] = {}

    def __len__(self) -> int:
        return len(self._watches)

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def put(self, watch: Watch) -> None:
        """Take in an alert, in place of what was known of it."""
        self.drop(watch.alert_id)
        self._watches[watch.alert_id] = watch
        self._wait(watch)

    def drop(self, alert_id: UUID) -> None:
        """Forget an alert, which may be unknown."""
        self._moves.pop(alert_id, None)
        if (watch := self._watches.pop(alert_id, None)) is not None:
            self._leave(watch)

    def _leave(self, watch: Watch) -> None:
        measures = self._by_code[watch.code]
        triggers = measures[watch.measure]
        triggers.discard(watch.ticket)
        if not triggers:
            del measures[watch.measure]
            if not measures:
                del self._by_code[watch.code]

    def average_volumes(self, averages: Mapping[str, Fraction]) -> None:
        """What volumes are compared with, by code."""
        self._averages = averages

    def asked(self) -> tuple[set[str], dict[str, set[str]]]:
        """The codes whose average volume is needed, and by code the indicators that are watched."""
        volumes: set[str] = set()
        fields: dict[str, set[str]] = {}
        for code, measures in self._by_code.items():
            for measure in measures:
                if measure == Measure.VOLUME:
                    volumes.add(code)
                elif measure not in _OF_TICKS:
                    fields.setdefault(code, set()).add(measure)
        return volumes, fields

    def tick(self, code: str, sight: Sight) -> None:
        """Show a tick to the alerts of its stock."""
        for measure, triggers in list(self._by_code.get(code, {}).items()):
            value = tick_measure(measure, sight, self._averages.get(code))
            if value is not None:
                self._show(triggers, value, sight.key, sight.price)

    def figure(self, code: str, indicator: str, value: int, key: Key) -> None:
        """Show a value of an indicator to the alerts on it."""
        if triggers := self._by_code.get(code, {}).get(indicator):
            self._show(triggers, value, key, None)

    def moves(self) -> list[Move]:
        """What all that was shown since the last call has changed, one entry an alert."""
        moves, self._moves = list(self._moves.values()), {}
        return moves

    def _show(self, triggers: Triggers[Watch], value: int, key: Key, price: int | None) -> None:
        for watch in triggers.touched(value):
            over = watch.expires_at is not None and key[0] >= watch.expires_at
            if key > watch.seen and not over:
                over = self._step(watch, value, key, price)
            if over:
                del self._watches[watch.alert_id]
                self._leave(watch)
            else:
                self._wait(watch)

    def _step(self, watch: Watch, value: int, key: Key, price: int | None) -> bool:
        """Move the alert on; says whether it has done all it is there for."""
        state, fires = watch.rule.step(watch.state, value)
        if state == watch.state and not fires:
            return False
        move = self._moves.get(watch.alert_id)
        if move is None:
            move = Move(watch.alert_id, watch.arm, watch.state, watch.arm, watch.seen)
            self._moves[watch.alert_id] = move
        watch.state, watch.seen = state, key
        if fires and (watch.fired_at is None or key[0] - watch.fired_at >= watch.cooldown * _MICROS):
            move.firings.append(Firing(watch.arm, value, price, key[0]))
            watch.fired_at = key[0]
            watch.arm += 1
            move.done = not watch.repeat
        move.state, move.seen, move.arm = state, key, watch.arm
        return move.done

    def _wait(self, watch: Watch) -> None:
        measures = self._by_code.setdefault(watch.code, {})
        triggers = measures.setdefault(watch.measure, Triggers())
        watch.ticket = triggers.add(watch, *watch.rule.bounds(watch.state))
