"""Files that were read into a ledger, or were looked at, and what became of each of their rows."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from portfolios.models.portfolios import Portfolio


class ImportRun(models.Model):
    """One file. Nothing of it was written where it was a dry run or a single row was refused."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="imports")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the file.")
    dry_run = models.BooleanField()
    rows = models.IntegerField()
    new = models.IntegerField()
    duplicates = models.IntegerField()
    refused = models.IntegerField()
    report = models.BinaryField(help_text="A line a row, as CSV, packed by gzip.")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["portfolio", "-created_at", "-id"], name="import_by_time")]

    def __str__(self) -> str:
        return f"{self.rows} rows at {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def imported(self) -> bool:
        """Whether its new rows stand in the ledger."""
        return not self.dry_run and not self.refused
