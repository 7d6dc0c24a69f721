"""A computation of all stocks, or of a market, that is spread over workers.

The database holds who computes what: a run, its chunks of stocks, and what was found of each. A chunk that is
computed twice, or by two workers at once, leaves the same figures; one whose worker died is handed out again.
Nothing is seen of a run until all of its chunks are there: whoever ends the last one has the whole published,
ranked and written in one transaction. Of two runs the later one counts, and so does a computation in one
process that has been through meanwhile.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from stocks.compute.levels import stored_levels
from stocks.compute.market import MarketBars, market_exists, stocks_of
from stocks.compute.own import OWN_FIELDS, Part
from stocks.compute.reading import CHUNK
from stocks.compute.service import forget, store_parts, supersede, work_alone
from stocks.compute.sessions import Sessions
from stocks.dataset import bump_version, data_version
from stocks.models import IndicatorChunk, IndicatorRun, Market

#: A run that has not ended by then never will: the queue that handed out its chunks has lost them.
LOST_AFTER: Final = timedelta(hours=6)
#: A chunk takes seconds; one that nobody has ended by then is handed out again.
HANDED_OUT_FOR: Final = timedelta(minutes=30)
_RUNNING: Final = IndicatorRun.Status.RUNNING


@dataclass(frozen=True, slots=True)
class Published:
    """``data_version`` is the dataset's as the run started, ``is_whole`` says that it was of all markets."""

    data_version: int
    stocks: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Chunks of a run that are to be handed out; ``is_there`` says that all have been worked out."""

    run: UUID
    chunks: Sequence[int]
    is_there: bool = False


def start_run(*, now: datetime, market: str | None = None) -> Work:
    """Cut the stocks into chunks, once the levels of their benchmarks are stored; supersedes earlier runs.

    Raises:
        MarketNotFound: there is no such market.
    """
    market_exists(market)
    with transaction.atomic():
        work_alone()
        supersede(market)
        run = IndicatorRun.objects.create(
            market_id=market, today=now.date(), data_version=data_version(), started_at=now
        )
        chunks: list[IndicatorChunk] = []
        for code in Market.objects.order_by("code").values_list("code", flat=True):
            stocks = stocks_of(code) if market in (None, code) else {}
            if stocks:
                MarketBars(code, stocks).levels_kept()
                ids = np.array(sorted(stocks), dtype=np.int32)
                for part in np.split(ids, range(CHUNK, len(ids), CHUNK)):
                    number = len(chunks)
                    chunks.append(
                        IndicatorChunk(run=run, number=number, market_id=code, stocks=part.tobytes())
                    )
        IndicatorChunk.objects.bulk_create(chunks)
    return Work(run.id, range(len(chunks)), is_there=not chunks)


def compute_chunk(run_id: UUID, number: int) -> bool:
    """Work out one chunk and keep it; says whether nothing of the run is missing now."""
    chunk = (
        IndicatorChunk.objects.select_related("run")
        .filter(run_id=run_id, number=number, run__status=_RUNNING)
        .first()
    )
    if chunk is None:
        return False
    if chunk.figures is None:
        chosen = set(_ids(chunk))
        stocks = {id_: stock for id_, stock in stocks_of(chunk.market_id).items() if id_ in chosen}
        with transaction.atomic(), ThreadPoolExecutor(1) as thread:
            bars = MarketBars(chunk.market_id, stocks)
            # All sessions: which of them are stored may be another matter when these are published.
            parts = bars.parts(stored_levels(chunk.market_id), thread, today=chunk.run.today, sessions="all")
            figures = _packed([part.result() for part in parts])
            IndicatorChunk.objects.filter(run_id=run_id, number=number, figures__isnull=True).update(
                figures=figures
            )
    return not IndicatorChunk.objects.filter(run_id=run_id, figures__isnull=True).exists()


def publish_run(run_id: UUID) -> Published | None:
    """Rank and write what a run has found; None where something is missing, or it has ended already."""
    with transaction.atomic():
        work_alone()
        run = IndicatorRun.objects.select_for_update().filter(id=run_id, status=_RUNNING).first()
        if run is None or run.chunks.filter(figures__isnull=True).exists():
            return None
        parts: dict[str, list[Part]] = {}
        bare: set[int] = set()
        for chunk in run.chunks.order_by("number").iterator(chunk_size=8):
            found = _unpacked(bytes(chunk.figures or b""))
            parts.setdefault(chunk.market_id, []).extend(found)
            bare |= set(_ids(chunk)).difference(*(part.stocks.tolist() for part in found))
        has_changed = bool(forget(bare))
        for market, of_market in parts.items():
            written, rescored, _ = store_parts(market, of_market)
            has_changed |= bool(written.inserted or written.updated or rescored)
        if has_changed:
            bump_version()
        IndicatorRun.objects.filter(id=run.id).update(
            status=IndicatorRun.Status.PUBLISHED, finished_at=timezone.now()
        )
        run.chunks.all().delete()
    count = sum(len(part.stocks) for of_market in parts.values() for part in of_market)
    return Published(run.data_version, count, is_whole=run.market_id is None)


def unfinished(*, now: datetime) -> Work | None:
    """The run that is under way; its chunks are named where they were handed out too long ago.

    A run that is older than LOST_AFTER is given up.
    """
    running = IndicatorRun.objects.filter(status=_RUNNING)
    running.filter(started_at__lt=now - LOST_AFTER).update(
        status=IndicatorRun.Status.SUPERSEDED, finished_at=now
    )
    run = running.order_by("-started_at").first()
    if run is None:
        return None
    missing = list(
        run.chunks.filter(figures__isnull=True).order_by("number").values_list("number", flat=True)
    )
    is_late = now - run.started_at >= HANDED_OUT_FOR
    return Work(run.id, missing if is_late else (), is_there=not missing)


def _ids(chunk: IndicatorChunk) -> list[int]:
    ids: list[int] = np.frombuffer(chunk.stocks, dtype=np.int32).tolist()
    return ids


def _packed(parts: Sequence[Part]) -> bytes:
    """At most one part, as NumPy writes its arrays; of none an empty text."""
    if not parts:
        return b""
    (part,) = parts
    assert part.sessions is not None
    arrays: dict[str, Any] = {"stocks": part.stocks, "days": part.days, "values": part.values}
    arrays |= {f"sessions_{name}": getattr(part.sessions, name) for name in Sessions.__slots__}
    file = io.BytesIO()
    np.savez(file, fields=np.array(OWN_FIELDS), **arrays)
    return file.getvalue()


def _unpacked(figures: bytes) -> list[Part]:
    if not figures:
        return []
    with np.load(io.BytesIO(figures), allow_pickle=False) as arrays:
        sessions = Sessions(**{name: arrays[f"sessions_{name}"] for name in Sessions.__slots__})
        # A worker of another version may have worked out other figures, in another order.
        order = {name: at for at, name in enumerate(arrays["fields"].tolist())}
        values = np.full((len(arrays["stocks"]), len(OWN_FIELDS)), np.nan)
        for at, name in enumerate(OWN_FIELDS):
            if name in order:
                values[:, at] = arrays["values"][:, order[name]]
        return [Part(arrays["stocks"], arrays["days"], values, sessions)]
