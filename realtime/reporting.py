"""Writes the readings of a process to Redis every few seconds, over a small connection of its own.

The hub's link is not used: there an error reply, such as that of a Redis that is full, ends the connection,
and nobody should miss a price because a figure could not be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable

import orjson

from realtime import keys
from realtime.metrics import Readings
from realtime.redis import CONNECT_SECONDS, Target
from realtime.resp import Lost, RespConnection

logger = logging.getLogger(__name__)

REPORT_SECONDS = 5.0
# A process that missed two reports may only be slow.
LIFE_SECONDS = 16
# Names of processes that ended without a word are forgotten after this.
FORGET_SECONDS = 3600
# How often the loop is looked at: it is late by as much as something held it up.
SAMPLE_SECONDS = 0.1

Command = tuple[str, ...]


class Reporter:
    """Runs while the hub has clients or had some; one task, whatever the number of clients."""

    def __init__(
        self, *, target: Target, read: Callable[[], Readings], every: float = REPORT_SECONDS
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._target = target
        self._read = read
        self._every = every
        self._sent: dict[str, int] = {}
        self._connection: RespConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; does nothing when it runs."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="realtime-reporter")

    async def stop(self) -> None:
        """End, and take the process out of the readings; its last totals are added."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._connection is not None:
            await self._write([*self._additions(self._read()), *self._farewell()])
        self._disconnect()

    async def _run(self) -> None:
        while True:
            lag = await self._wait()
            readings = self._read()
            readings.gauges["loop_lag_seconds"] = lag
            await self._write([*self._additions(readings), *self._presence(readings)])

    async def _wait(self) -> float:
        """Wait until the next report is due; by how many seconds the loop was late at worst."""
        loop = asyncio.get_running_loop()
        worst, due = 0.0, loop.time() + self._every
        while (before := loop.time()) < due:
            await asyncio.sleep(SAMPLE_SECONDS)
            worst = max(worst, loop.time() - before - SAMPLE_SECONDS)
        return worst

    def _additions(self, readings: Readings) -> list[Command]:
        """What has been done since the last report, to be added to the totals of all.

        It counts as sent even if Redis should go away in this moment: better than to add it twice.
        """
        grown = {
            name: total - self._sent.get(name, 0)
            for name, total in readings.totals.items()
            if total != self._sent.get(name, 0)
        }
        return [("HINCRBY", keys.TOTALS, name, str(more)) for name, more in grown.items()]

    def _presence(self, readings: Readings) -> list[Command]:
        now = int(time.time())
        return [
            ("SET", keys.process(self.name), orjson.dumps(readings.gauges).decode(), "EX", str(LIFE_SECONDS)),
            ("ZADD", keys.PROCESSES, str(now), self.name),
            ("ZREMRANGEBYSCORE", keys.PROCESSES, "-inf", str(now - FORGET_SECONDS)),
        ]

    def _farewell(self) -> list[Command]:
        return [("DEL", keys.process(self.name)), ("ZREM", keys.PROCESSES, self.name)]

    async def _write(self, commands: list[Command]) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if self._connection is None or self._connection.lost.done():
                    self._connection = await RespConnection.open(self._target, lambda push: None)
                self._mark_sent(commands)
                for command in commands:
                    self._connection.ask(lambda reply: None, *command)
                await self._connection.call("PING")
        except (OSError, Lost) as error:  # TimeoutError is an OSError
            logger.warning("the readings are not written: %s", error or type(error).__name__)
            self._disconnect()

    def _mark_sent(self, commands: list[Command]) -> None:
        for command in commands:
            if command[0] == "HINCRBY":
                self._sent[command[2]] = self._sent.get(command[2], 0) + int(command[3])

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
