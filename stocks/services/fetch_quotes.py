"""Prices that are asked of the providers because somebody wants them now."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import redis
from django.utils import timezone

from realtime.redis import worker_client
from stocks import gate, stream
from stocks.providers.errors import ProviderError
from stocks.providers.mesh.flight import fly
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability, Update
from stocks.types import StockKey, Tick

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking brought: believed prices by code, why there is none by code.

    A stock whose price was asked for by somebody else at the same time stands in neither: its price is where
    prices are kept by now.
    """

    ticks: dict[str, Tick] = field(default_factory=dict)
    errors: dict[str, ProviderError] = field(default_factory=dict)


def can_quote(keys: Sequence[StockKey]) -> list[StockKey]:
    """Those of ``keys`` that some configured provider may be asked about."""
    return [key for key in keys if mesh().covers(Capability.QUOTES, key)]


def fetch_quotes(keys: Sequence[StockKey]) -> Asked:
    """Ask the mesh for the prices of ``keys`` and hand on what the gate lets through.

    One stock is asked once, however many want it at the same time: the others wait. A list is one question,
    asked for itself; several different lists that name the same stock may each ask for it.
    """
    asked = Asked()
    if not keys:
        return asked
    name = keys[0].code if len(keys) == 1 else ",".join(sorted(key.code for key in keys))
    try:
        fly(f"quotes:{name}", lambda: _ask(keys, asked))
    except ProviderError as error:
        asked.errors.update({key.code: error for key in keys})
    return asked


def _ask(keys: Sequence[StockKey], asked: Asked) -> None:
    quoted = mesh().quotes(keys)
    now = timezone.now()
    believed = hand_on(Update(ticks=tuple(quoted.ticks.values())), now=now)
    asked.ticks.update({tick.code: tick for tick in believed.ticks})
    asked.errors.update(quoted.errors)
    # Who waits for a single stock hears why there is no price.
    if len(keys) == 1 and not asked.ticks and (error := asked.errors.get(keys[0].code)) is not None:
        raise error


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
