"""What the commands over ledgers share."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from portfolios.models import Portfolio


def add_portfolio_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--portfolio", type=UUID, metavar="ID", help="only this one; all without it")


def chosen(options: dict[str, Any]) -> list[UUID]:
    """The ids that the options name, of portfolios that are not archived."""
    found = Portfolio.objects.filter(archived_at__isnull=True)
    if options["portfolio"] is not None:
        found = found.filter(pk=options["portfolio"])
        if not found.exists():
            raise CommandError(f"There is no portfolio {options['portfolio']}.")
    return list(found.order_by("created_at", "id").values_list("pk", flat=True))
