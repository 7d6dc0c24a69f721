"""When a value fires an alert, and when the alert is armed again. Values are whole numbers of 10^-8.

An alert fires on an edge: the value before was on the other side. Above and below mean strictly so; a value
that equals the threshold is on neither side. After it has fired, an alert waits until the value has gone back
to the threshold, and behind it by the hysteresis where there is one; then it is armed again. One that
``crosses`` is armed for both directions in turn, and after a firing as soon as the value is farther from the
threshold than the hysteresis, on whichever side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

Condition = Literal["above", "below", "crosses", "beyond"]

#: Greater than any value.
_ALL: Final = 10**60


class State(IntEnum):
    """Where an alert stands. NEW has seen no value; BELOW and ABOVE are armed and say where the value was."""

    NEW = 0
    ARMED = 1
    FIRED = 2
    BELOW = 3
    ABOVE = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition with its threshold and its hysteresis, which is 0 or more.

    ``beyond`` is above, for the value without its sign.
    """

    condition: Condition
    threshold: int
    hysteresis: int = 0

    def step(self, state: State, value: int) -> tuple[State, bool]:
        """The state after a value, and whether the value fires."""
        if self.condition == "crosses":
            return self._cross(state, value)
        threshold = self.threshold
        if self.condition == "below":
            value, threshold = -value, -threshold
        elif self.condition == "beyond":
            value = abs(value)
        if value > threshold:
            return State.FIRED, state == State.ARMED
        if state != State.FIRED or value <= threshold - self.hysteresis:
            return State.ARMED, False
        return state, False

    def _cross(self, state: State, value: int) -> tuple[State, bool]:
        distance = value - self.threshold
        fires = (state == State.BELOW and distance > 0) or (state == State.ABOVE and distance < 0)
        if state in (State.BELOW, State.ABOVE) and not fires:
            return state, False
        # The first value only says where it is; what keeps the next firings apart is for those.
        band = 0 if state == State.NEW else self.hysteresis
        if distance and abs(distance) >= band:
            return (State.ABOVE if distance > 0 else State.BELOW), fires
        return (State.FIRED if fires else state), fires

    def bounds(self, state: State) -> tuple[int, int]:
        """``(low, high)``: a value that lies between them, without the bounds, changes nothing."""
        if state == State.NEW:
            return _ALL, _ALL
        threshold, hysteresis = self.threshold, self.hysteresis
        if self.condition == "crosses":
            if state == State.BELOW:
                return -_ALL, threshold + 1
            if state == State.ABOVE:
                return threshold - 1, _ALL
            band = max(hysteresis, 1)
            return threshold - band, threshold + band
        if self.condition == "below":
            return (threshold - 1, _ALL) if state == State.ARMED else (-_ALL, threshold + hysteresis)
        return (-_ALL, threshold + 1) if state == State.ARMED else (threshold - hysteresis, _ALL)
