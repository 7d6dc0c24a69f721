"""Screens that users keep, and may show to others."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

_EXACT_DIGITS = 15


class ExactEncoder(json.JSONEncoder):
    """Writes the Decimals that :class:`ExactDecoder` reads as the doubles they were."""

    def default(self, value: Any) -> Any:
        return float(value) if isinstance(value, Decimal) else super().default(value)


class ExactDecoder(json.JSONDecoder):
    """Reads numbers as the body of a request is read: whole ones as int, those with a fraction as Decimal.

    Very large ones are Decimals too: they were doubles, which PostgreSQL writes out in full.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_float=Decimal, parse_int=_whole, **options)


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _EXACT_DIGITS else Decimal(text)


class SavedScreen(models.Model):
    """What a user screens for, by name.

    ``asked`` is the body of ``POST /v1/screen`` without its page, as the user wrote it: market, filters,
    where, q, sort_by and order, as far as they were given. Whoever knows ``share_token`` may read it and
    run it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="screens")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=1000, blank=True)
    asked = models.JSONField(default=dict, encoder=ExactEncoder, decoder=ExactDecoder)
    share_token = models.CharField(max_length=43, unique=True, null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="screen_name_once_a_user"),
        ]

    def __str__(self) -> str:
        return self.name
