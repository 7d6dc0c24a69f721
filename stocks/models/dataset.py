"""What this database holds: its origin, its version and the files that went into it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Dataset(models.Model):
    """The one row that says whether this database holds the sandbox market or real data.

    The two never mix: whoever writes first decides. ``version`` rises with every change of bars, statements
    or indicators, so caches and page cursors can tell that the data moved on.
    """

    class Origin(models.TextChoices):
        EMPTY = "empty"
        SANDBOX = "sandbox"
        REAL = "real"

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.EMPTY)
    version = models.BigIntegerField(default=0)
    sandbox_through = models.DateField(null=True, blank=True, help_text="Last session of the sandbox's bars.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="dataset_is_one_row")]

    def __str__(self) -> str:
        return f"{self.origin} v{self.version}"


class LoadedFile(models.Model):
    """A file that a load command took in, recognised by its SHA-256 and the options it was loaded with."""

    id = models.BigAutoField(primary_key=True)
    command = models.CharField(max_length=32)
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    options = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    loaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-loaded_at"]
        constraints = [
            models.UniqueConstraint(fields=["command", "sha256", "options"], name="loaded_file_once")
        ]

    def __str__(self) -> str:
        return f"{self.command} {self.name}"
