"""Prices that are asked of the providers because somebody wants them now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import redis
from django.utils import timezone

from realtime.redis import worker_client
from stocks import gate, stream
from stocks.providers.errors import ProviderError
from stocks.providers.mesh.flight import fly
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Update
from stocks.types import StockKey, Tick

logger = logging.getLogger(__name__)


def fetch_quotes(
    keys: Sequence[StockKey],
    still_due: Callable[[Sequence[StockKey]], Sequence[StockKey]],
    remember: Callable[[Sequence[Tick]], None],
) -> Mapping[str, ProviderError]:
    """Ask the mesh for the prices of ``keys`` and hand on what the gate lets through.

    One stock is asked about once, however many want it at the same time: the others wait. A list is one
    question, asked for itself; different lists that name the same stock may each ask for it.

    Args:
        keys: each stock once.
        still_due: which of them are to be asked about, looked at when it is this caller's turn: somebody else
            may have brought them a moment ago.
        remember: called with the believed prices, before those who wait go on.

    Returns:
        Why there is no price, by code; of those who waited for somebody else's question about one stock too.
    """
    errors: dict[str, ProviderError] = {}

    def ask() -> None:
        wanted = still_due(keys)
        if not wanted:
            return
        quoted = mesh().quotes(wanted)
        believed = hand_on(Update(ticks=tuple(quoted.ticks.values())), now=timezone.now())
        remember(believed.ticks)
        errors.update(quoted.errors)
        # Who waits for a single stock hears why there is no price.
        if len(keys) == 1 and (error := quoted.errors.get(keys[0].code)) is not None:
            raise error

    name = keys[0].code if len(keys) == 1 else ",".join(sorted(key.code for key in keys))
    try:
        fly(f"quotes:{name}", ask)
    except ProviderError as error:
        errors.update({key.code: error for key in keys})
    return errors


def hand_on(update: Update, *, now: datetime) -> Update:
    """Let an update through the gate and into the stream; returns what was let through.

    Where Redis takes nothing the prices are still the reader's, and the next poll brings them again.
    """
    believed = gate.admit(update, now=now)
    if believed.ticks or believed.books:
        try:
            stream.append(worker_client(), believed)
        except redis.RedisError as error:
            logger.warning("fetched prices are not in the stream: %s", type(error).__name__)
    return believed
