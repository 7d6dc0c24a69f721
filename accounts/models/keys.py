"""API keys, for programs that call in a user's name."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.users import User


class Scope(models.TextChoices):
    """What a key may be used for."""

    READ = "read", "Read"
    TRADE = "trade", "Change what its user owns"
    STREAM = "stream", "Open streams and WebSockets"
    ADMIN = "admin", "What only staff may do"


def usual_scopes() -> list[str]:
    """Of a key for which nothing else is asked: all that its user may do, but for what only staff may."""
    return [Scope.READ.value, Scope.TRADE.value, Scope.STREAM.value]


class ApiKey(models.Model):
    """A key for programs: its public id is stored, its secret only as an HMAC under the server's pepper."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=24, unique=True, help_text="The part of the key that may be shown.")
    digest = models.BinaryField(max_length=32)
    # They never change: who wants others makes another key.
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope.choices), default=usual_scopes)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values, scopes__len__gte=1),
                name="api_key_scopes_are_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"
