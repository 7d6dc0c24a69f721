"""One run of the benchmark: what every gate runs on."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from realtime_load import market
from realtime_load.load import Load, Plan
from realtime_load.machine import Cores, Programs
from realtime_load.scale import Scale
from realtime_load.servers import CANDIDATES, Kind, Served
from realtime_load.talking import Failed, Told

# Handshakes under way at once while a gate builds up.
BUILD_UP = 256
OPEN_SECONDS = 90.0
SEED = 4


@dataclass(frozen=True)
class Bench:
    """What all gates share. ``until`` is when the program has to be done, by the monotonic clock."""

    scratch: Path
    scale: Scale
    programs: Programs
    cores: Cores
    candidate: str
    tokens: Sequence[str]
    until: float
    redis: redis.Redis = field(init=False)
    publisher: Told = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "redis", redis.Redis.from_url(os.environ["REDIS_URL"]))
        publisher = Told(
            [sys.executable, "-m", "realtime_load.publisher"],
            core=self.cores.load,
            log=self.scratch / "publisher.log",
            name="the publisher",
        )
        object.__setattr__(self, "publisher", publisher)

    def close(self) -> None:
        self.publisher.stop()
        self.redis.close()

    def elapsed(self) -> float:
        """Seconds since the program began."""
        return self.scale.budget_seconds - (self.until - time.monotonic())

    def left(self) -> float:
        """Seconds until the program has to be done; raises Failed where none are left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise Failed("the time of the benchmark is over")
        return left

    @contextlib.contextmanager
    def served(
        self,
        kind: Kind | None = None,
        *,
        name: str = "candidate",
        core: int | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> Iterator[Served]:
        """A server; the project's own comes warm: imports, threads and database are paid for."""
        self.left()
        on = self.cores.server if core is None else core
        server = Served(
            kind or CANDIDATES[self.candidate], core=on, scratch=self.scratch, name=name, limits=limits
        )
        with server:
            if kind is None:
                some = random.Random(SEED).sample(market.rooms(), 20)
                with self.load(server, Plan.of_sockets(self.tokens[:40], [some] * 40)) as load:
                    self.opened(load)
            yield server

    @contextlib.contextmanager
    def load(self, server: Served, plan: Plan) -> Iterator[Load]:
        """A load client for a server; its connections are cut in the end."""
        load = Load(self.programs, plan, port=server.port, core=self.cores.load, scratch=self.scratch)
        try:
            yield load
        finally:
            load.stop()

    def opened(self, load: Load) -> dict[str, Any]:
        """Open all connections of a load; raises Failed where one is not to be had."""
        answer = load.open(in_flight=BUILD_UP, seconds=min(OPEN_SECONDS, self.left()))
        if answer["failed"] or answer["errors"]:
            raise Failed(
                f"{answer['failed']} of {load.count:,} connections failed, {answer['errors']} errors came:"
                f" {answer['first_error']}"
            )
        return answer
