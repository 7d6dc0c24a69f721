"""Sessions: the families of refresh tokens of a sign-in."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from accounts.models.users import User


class Session(models.Model):
    """One sign-in: the family of the refresh tokens that follow each other.

    Access tokens carry its id, so revoking the row ends them at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["expires_at"], name="session_by_expiry")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """One refresh token of a session, stored as the SHA-256 of a 256-bit secret; used once."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"refresh token of session {self.session_id}"
