"""Files that were read into a portfolio, the newest first."""

from __future__ import annotations

from uuid import UUID

from portfolios.errors import ImportNotFound
from portfolios.models import ImportRun, Portfolio


def imports_of(portfolio: Portfolio) -> list[ImportRun]:
    """Those whose reports are kept, without these."""
    return list(ImportRun.objects.filter(portfolio=portfolio).defer("report"))


def import_of(portfolio: Portfolio, import_id: UUID) -> ImportRun:
    """One with its report; raises ImportNotFound."""
    run = ImportRun.objects.filter(portfolio=portfolio, pk=import_id).first()
    if run is None:
        raise ImportNotFound
    return run
