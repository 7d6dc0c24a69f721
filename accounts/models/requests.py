"""Requests that were made, one by one for a while, and by the day for longer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models.users import User


class LoggedRequest(models.Model):
    """One request that was answered, or of a connection that stays open, that it began.

    Rows are written many at once and after the request, so nothing in the database has to be there for them:
    ``user`` is an id that outlives its user. ``endpoint`` is the route with its parameters by name, empty
    where there is none; ``key`` the public part of an API key.
    """

    id: ClassVar[models.BigAutoField[int, int]]

    at = models.DateTimeField(editable=False)
    request_id = models.CharField(max_length=64)
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=300)
    endpoint = models.CharField(max_length=200, blank=True)
    status = models.PositiveSmallIntegerField()
    microseconds = models.BigIntegerField(help_text="How long it took.")
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    key = models.CharField(max_length=24, blank=True)
    address = models.CharField(max_length=43, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = "request"
        indexes = [
            models.Index(fields=["at"], name="request_by_time"),
            models.Index(fields=["request_id"], name="request_by_id"),
            models.Index(
                fields=["user", "-at", "-id"], name="request_by_user", condition=models.Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Usage(models.Model):
    """What a user asked of an endpoint on a day (UTC), with one key or, where that is empty, signed in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="usage", db_constraint=False)
    day = models.DateField()
    key = models.CharField(max_length=24, blank=True)
    endpoint = models.CharField(max_length=220, help_text="Method and route.")
    requests = models.BigIntegerField()
    errors = models.BigIntegerField(help_text="Of them, those that were answered with a status from 400 on.")
    microseconds = models.BigIntegerField(help_text="How long they took together.")

    class Meta:
        ordering = ["-day", "endpoint", "key"]
        verbose_name_plural = "usage"
        constraints = [
            models.UniqueConstraint(fields=["user", "day", "key", "endpoint"], name="usage_is_counted_once"),
            models.CheckConstraint(
                condition=models.Q(requests__gt=0, errors__gte=0, errors__lte=models.F("requests")),
                name="usage_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.endpoint} on {self.day}: {self.requests}"
