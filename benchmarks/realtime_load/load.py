"""The load client as the benchmark sees it: connections that count what they are sent."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from realtime_load import machine
from realtime_load.talking import Told

PATH, EVENTS = "/ws/stocks", "/v1/events"
#: The field of a message that tells when it was sent.
FIELD = "volume"


@dataclass(frozen=True, slots=True)
class Plan:
    """Connections as the client reads them, a line each, and the rooms of each."""

    lines: Sequence[str]
    rooms: Sequence[Sequence[str]]
    mode: str = "ws"

    @classmethod
    def of_sockets(cls, tokens: Sequence[str], rooms: Sequence[Sequence[str]]) -> Plan:
        """WebSockets to the project, signed in by a token each."""
        frames = [json.dumps({"type": "subscribe", "rooms": list(chosen)}) for chosen in rooms]
        return cls([f"{token}\t{PATH}\t{frame}" for token, frame in zip(tokens, frames, strict=False)], rooms)

    @classmethod
    def of_event_streams(cls, tokens: Sequence[str], rooms: Sequence[Sequence[str]]) -> Plan:
        """Event streams of the project, signed in by a token each."""
        targets = [f"{EVENTS}?rooms={','.join(map(quote, chosen))}" for chosen in rooms]
        return cls(
            [f"{token}\t{target}\t" for token, target in zip(tokens, targets, strict=False)], rooms, "sse"
        )

    @classmethod
    def of_broadcast(cls, target: str, room: str, count: int) -> Plan:
        """WebSockets to a server that knows neither tokens nor frames."""
        return cls([f"\t{target}\t"] * count, [[room]] * count)


class Load(Told):
    """So many connections, opened when told so. ``told`` are the rooms that something was published to."""

    def __init__(
        self, programs: machine.Programs, plan: Plan, *, port: int, core: int, scratch: Path
    ) -> None:
        descriptor, file = tempfile.mkstemp(prefix="plan-", dir=scratch)
        with os.fdopen(descriptor, "w") as output:
            output.write("\n".join(plan.lines) + "\n")
        self.plan = plan
        self.count = len(plan.lines)
        self.told: set[str] = set()
        self._stalled = 0
        command = [*programs.client, str(port), file, plan.mode, FIELD]
        super().__init__(command, core=core, log=Path(f"{file}.log"), name="the load client")

    def read_rooms(self) -> Sequence[Sequence[str]]:
        """The rooms of each connection that is read."""
        return self.plan.rooms[self._stalled :]

    def open(self, *, in_flight: int, seconds: float) -> dict[str, Any]:
        """Connect all; ``ready`` says how many are, ``seconds`` how long it took."""
        return self._answer(f"open {in_flight} {seconds:.0f}", seconds + 15)

    def again(self, *, in_flight: int, seconds: float) -> dict[str, Any]:
        """Cut every connection and connect all anew."""
        return self._answer(f"again {in_flight} {seconds:.0f}", seconds + 15)

    def stall(self, count: int) -> None:
        """Let the first so many be read no more."""
        self._stalled = count
        self._answer(f"stall {count}", 10)

    def mark(self) -> None:
        """Count anew."""
        self._answer("mark", 10)

    def report(self) -> dict[str, Any]:
        """What was counted since the mark: frames, messages, latencies, processor seconds."""
        return self._answer("report", 20)

    def newest(self) -> dict[str, Any]:
        """``rooms``: the newest sequence and value of each; ``behind``: places that do not have it."""
        return self._answer("newest", 20)

    def _answer(self, line: str, seconds: float) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(line, seconds=seconds)
        return answer
