"""What the pipeline did and refused, for the people who run it."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import price_field


class Fetched(models.Model):
    """When something was last asked of the providers, and whether they had it.

    ``name`` is what was asked, e.g. ``news:AAPL`` or ``code:NOSUCH``. A row that says ``missing`` keeps the
    question from being asked again for a while.
    """

    name = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()
    missing = models.BooleanField(default=False)
    source = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "fetched"
        indexes = [models.Index(fields=["at"], name="fetched_by_time")]

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"


class JobRun(models.Model):
    """One run of a scheduled task or a data command; ``(task, slot)`` is its key, so a slot runs once."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    task = models.CharField(max_length=60)
    slot = models.CharField(max_length=60, help_text="What this run was for, e.g. a session or a minute.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True, help_text="What it did, in numbers.")
    errors = models.JSONField(default=list, blank=True, help_text="The first errors, one line each.")

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["-started_at", "-id"], name="job_run_by_time")]
        constraints = [models.UniqueConstraint(fields=["task", "slot"], name="job_once_per_slot")]

    def __str__(self) -> str:
        return f"{self.task} {self.slot} {self.status}"


class QuarantinedTick(models.Model):
    """A price that cannot be true, or is too far from the last one to be believed of one source alone.

    One open row per code and source: the same doubt again counts up ``times``. ``tick`` is what came.
    """

    class Status(models.TextChoices):
        HELD = "held"
        CONFIRMED = "confirmed"
        DISCARDED = "discarded"

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=32)
    source = models.CharField(max_length=16)
    reason = models.CharField(max_length=200)
    price = price_field(null=True, blank=True)
    reference_price = price_field(null=True, blank=True)
    reference_source = models.CharField(max_length=16, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    times = models.IntegerField(default=1)
    tick = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.HELD)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=254, blank=True, help_text="A source, a split, or a person.")

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [models.Index(fields=["-received_at", "-id"], name="quarantine_by_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "source"],
                condition=models.Q(status="held"),
                name="quarantine_one_open_per_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} from {self.source}: {self.reason}"


class ProcessLease(models.Model):
    """Who does a work that one of several processes does; ``until`` is of the database's clock."""

    name = models.CharField(max_length=32, primary_key=True)
    epoch = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=128)
    until = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} by {self.holder}"
