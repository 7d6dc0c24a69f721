"""Files that were read into a portfolio, the newest first, and their reports."""

from __future__ import annotations

import tempfile
from typing import IO, Final
from uuid import UUID

from django.db import connection

from portfolios.errors import ImportNotFound
from portfolios.models import ImportRun, Portfolio

_IN_MEMORY: Final = 256 * 1024
_PIECE: Final = """
SELECT substr(report, %s, %s) FROM portfolios_importrun WHERE id = %s AND portfolio_id = %s
"""


def imports_of(portfolio: Portfolio) -> list[ImportRun]:
    """Those whose reports are kept, without these."""
    return list(ImportRun.objects.filter(portfolio=portfolio).defer("report"))


def report_of(portfolio: Portfolio, import_id: UUID) -> IO[bytes]:
    """The packed report of one, on disk where it is long; raises ImportNotFound."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (kept open)
    at = 1
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_PIECE, [at, _IN_MEMORY, import_id, portfolio.pk])
            row = cursor.fetchone()
            if row is None:
                raise ImportNotFound
            file.write(row[0])
            if len(row[0]) < _IN_MEMORY:
                break
            at += _IN_MEMORY
    file.seek(0)
    return file
