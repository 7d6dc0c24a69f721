"""Yearly partitions of the bars."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection


def ensure_years(years: Iterable[int]) -> None:
    """Make the partitions of ``years`` (1900 to 2199) where they are missing; safe among parallel loaders."""
    with connection.cursor() as cursor:
        for year in sorted(set(years)):
            cursor.execute("SELECT stocks_dailybar_ensure_year(%s)", [year])
