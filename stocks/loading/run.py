"""The frame of every load: one file, one transaction, one summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from stocks.dataset import bump_version, claim
from stocks.errors import LoadRefused
from stocks.loading import history
from stocks.loading.ahead import ahead
from stocks.loading.database import execute, session_of_a_load
from stocks.loading.kinds import Kind, Make
from stocks.loading.layouts import Header, Layout, recognise, split_header
from stocks.loading.lines import Block, blocks
from stocks.loading.report import Report
from stocks.loading.source import SourceFile
from stocks.loading.table import Refusal, batches
from stocks.models import Dataset

Summary = dict[str, Any]
# Bytes of the file read so far, and its size.
Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What an operator asks for.

    Attributes:
        command: the name under which the file is remembered.
        mapping: our column names ⇒ the file's, where they are not the default ones.
        report: where refused rows go, if anywhere; one that is ``report_unasked`` only where there are any.
        force: load the file although it was loaded before.
        dry_run: do everything, then undo it.
    """

    command: str
    path: Path
    mapping: Mapping[str, str]
    report: Path | None = None
    report_unasked: bool = False
    force: bool = False
    dry_run: bool = False


def load_file(
    job: Job, layouts: Sequence[Layout], make: Make, *, watch: Watch, say: Callable[[str], None]
) -> Summary:
    """Load one file in one transaction: all of its good rows are in afterwards, or nothing is.

    Args:
        layouts: what the header may look like.
        make: makes the kind of load for a recognised header.
        watch: called with the progress after every batch.
        say: called with a line for the operator when something is worth waiting for.

    Returns:
        ``rows_in`` = ``inserted`` + ``updated`` + ``unchanged`` + ``refused``, ``seconds``, ``reasons``
        (refused rows by reason), ``report`` (its path) and facts of the kind. With ``skipped`` (a sentence)
        nothing was done, because the same file was loaded before; the counts are then those of that load.
        Where every row was refused, nothing was stored.

    Raises:
        LoadRefused: the file as a whole cannot be loaded.
        SandboxAndRealData: the database holds the sandbox.
    """
    started = time.perf_counter()
    with SourceFile(job.path) as source:
        fields, _ = split_header(blocks(source.pieces(), source.name), source.name)
        header = recognise(fields, layouts, job.mapping, source.name)
        kind = make(header, source)
        with closing(kind), transaction.atomic():
            with session_of_a_load():
                _lock(say)
                claim(Dataset.Origin.REAL)
                known = {"mapping": dict(job.mapping), "layout": header.layout.name, **kind.options()}
                summary = None if job.force else history.recalled(job.command, source.sha256, known)
                if summary is None:
                    summary = _load(job, source, header, kind, watch)
                    history.remember(job.command, source.name, source.sha256, known, summary)
            if job.dry_run or summary["refused"] == summary["rows_in"]:
                transaction.set_rollback(True)
    return {
        "file": source.name,
        **({"dry_run": True} if job.dry_run else {}),
        **summary,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _load(job: Job, source: SourceFile, header: Header, kind: Kind[Any], watch: Watch) -> Summary:
    rows = inserted = updated = unchanged = 0
    kind.begin()
    with Report(job.report, source=job.path, unasked=job.report_unasked) as report:
        with closing(ahead(_checked(source, header, kind))) as checked:
            for part in checked:
                written = kind.write(part.value)
                report.add(sorted([*part.refused, *written.refused]), part.block)
                rows += part.rows
                inserted += written.inserted
                updated += written.updated
                unchanged += written.unchanged
                watch(source.position, source.size)
        if not rows:
            raise LoadRefused(f"{source.name} has a header and no rows.")
        facts = kind.finish()
    if rows != inserted + updated + unchanged + report.refused:
        raise AssertionError(f"{rows} rows in, {inserted} + {updated} + {unchanged} + {report.refused} out")
    if inserted or updated or facts.get("rebased"):
        bump_version()
    return {
        "rows_in": rows,
        "inserted": inserted,
        "updated": updated,
        "unchanged": unchanged,
        "refused": report.refused,
        "reasons": dict(report.reasons.most_common()),
        "report": str(report.written_to) if report.written_to else None,
        **facts,
    }


class _Part(NamedTuple):
    """What is left of a batch once it is checked; its table of text is free again."""

    block: Block
    rows: int
    refused: list[Refusal]
    value: Any


def _checked(source: SourceFile, header: Header, kind: Kind[Any]) -> Iterator[_Part]:
    for block in _below_header(source):
        for batch in batches(block, header.width, header.columns):
            value, refused = kind.check(batch)
            yield _Part(block, batch.rows, [*batch.refused, *refused], value)


def _below_header(source: SourceFile) -> Iterator[Block]:
    _, rest = split_header(blocks(source.pieces(), source.name), source.name)
    return rest


def _lock(say: Callable[[str], None]) -> None:
    """Let one load run at a time: two that write the same keys would fail each other."""
    key = "hashtext('stocks_loading')"
    if not execute(f"SELECT pg_try_advisory_xact_lock({key})")[0][0]:
        say("Another load is running; waiting for its end.")
        execute(f"SELECT pg_advisory_xact_lock({key})")
