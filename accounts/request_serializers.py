"""Queries and replies of the request log and of usage."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.fields import TextField
from accounts.models import LoggedRequest, Usage
from accounts.paging import PageMeta, PageQuery
from accounts.selectors import Place
from accounts.strict import StrictSerializer

#: What is told where nobody says since when.
DAYS = 30
MOST_DAYS = 400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"^[0-9]{1,16}\.[0-9]{1,18}$")
_STATUS = re.compile(r"^[1-5]([0-9]{2}|xx)$")
_KEY = "Of one API key, by its prefix; `session` is what you asked signed in."
_SIGNED_IN = "session"
_TENTH = Decimal("0.1")


class RequestLogQuery(StrictSerializer):
    from_date = serializers.DateField(required=False, help_text="The first day, of UTC.")
    to_date = serializers.DateField(required=False, help_text="The last day, of UTC.")
    status = TextField(
        required=False,
        validators=[RegexValidator(_STATUS, "is neither a status, such as 429, nor a class, such as 4xx")],
        help_text="A status, or a class of them: `429`, `4xx`.",
    )
    method = serializers.ChoiceField(
        required=False, choices=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    )
    path = TextField(required=False, max_length=300, help_text="What the path begins with.")
    key = TextField(required=False, max_length=24, help_text=_KEY)
    cursor = TextField(
        required=False,
        validators=[RegexValidator(_CURSOR, "is no cursor of a page")],
        help_text="`next_cursor` of the page before.",
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=500)

    def validate_status(self, value: str) -> tuple[int, int]:
        if value.endswith("xx"):
            return int(value[0]) * 100, int(value[0]) * 100 + 99
        return int(value), int(value)

    def validate_cursor(self, value: str) -> Place:
        microseconds, row = value.split(".")
        return Place(_EPOCH + timedelta(microseconds=int(microseconds)), int(row))

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """What ``requests_page`` takes, or DRF's ValidationError."""
        query = cls.parse(data)
        first, last = query.get("from_date"), query.get("to_date")
        return {
            "start": None if first is None else datetime.combine(first, time(0), UTC),
            "end": None if last is None else datetime.combine(last, time.max, UTC),
            "after": query.get("cursor"),
            "method": query.get("method", ""),
            "path": query.get("path", ""),
            "key": _key(query),
            "statuses": query.get("status"),
            "limit": query["limit"],
        }


class UsageQuery(PageQuery):
    from_date = serializers.DateField(
        required=False, help_text=f"The first day, of UTC; {DAYS} days by default."
    )
    to_date = serializers.DateField(required=False, help_text="The last day, of UTC; today by default.")
    key = TextField(required=False, max_length=24, help_text=_KEY)

    @classmethod
    def read(cls, data: Any, *, now: datetime) -> dict[str, Any]:
        """What ``usage_of`` takes, with ``page`` and ``per_page``, or DRF's ValidationError."""
        query = cls.parse(data)
        last = query.get("to_date", now.astimezone(UTC).date())
        first = query.get("from_date")
        if first is None:
            first = last - timedelta(days=min(DAYS - 1, last.toordinal() - 1))
        if last < first:
            raise serializers.ValidationError({"to_date": ["is before from_date"]})
        if (last - first).days >= MOST_DAYS:
            raise serializers.ValidationError({"from_date": [f"at most {MOST_DAYS} days at once"]})
        return {
            "first": first,
            "last": last,
            "key": _key(query),
            "page": query["page"],
            "per_page": query["per_page"],
        }


def _key(query: dict[str, Any]) -> str | None:
    key = query.get("key")
    return "" if key == _SIGNED_IN else key


def cursor_after(row: LoggedRequest) -> str:
    """The cursor of the page that begins after a row."""
    return f"{(row.at - _EPOCH) // timedelta(microseconds=1)}.{row.id}"


def _milliseconds(microseconds: int, requests: int = 1) -> Decimal:
    return (Decimal(microseconds) / 1000 / requests).quantize(_TENTH)


class RequestReply(serializers.Serializer[LoggedRequest]):
    at = serializers.DateTimeField(format=None)
    request_id = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField(help_text="Without its query.")
    endpoint = serializers.CharField(allow_blank=True, help_text="The route, with its parameters by name.")
    status = serializers.IntegerField(help_text="Of a WebSocket 101, or what its close code is over HTTP.")
    ms = serializers.SerializerMethodField()
    key = serializers.CharField(allow_null=True, help_text="The prefix of the API key; null when signed in.")
    address = serializers.CharField(allow_null=True)

    def get_ms(self, row: LoggedRequest) -> Decimal:
        return _milliseconds(row.microseconds)

    def to_representation(self, instance: LoggedRequest) -> dict[str, Any]:
        row = super().to_representation(instance)
        return {**row, "key": row["key"] or None, "address": row["address"] or None}


class RequestLogReply(serializers.Serializer[Any]):
    requests = RequestReply(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null after the last page.")


class UsageDayReply(serializers.Serializer[Usage]):
    day = serializers.DateField()
    endpoint = serializers.CharField(help_text="Method and route.")
    key = serializers.CharField(allow_null=True, help_text="The prefix of the API key; null when signed in.")
    requests = serializers.IntegerField()
    errors = serializers.IntegerField(  # type: ignore[assignment]  # the serializer's own are never asked for
        help_text="Of them, those answered with a status from 400 on."
    )
    mean_ms = serializers.SerializerMethodField()

    def get_mean_ms(self, row: Usage) -> Decimal:
        return _milliseconds(row.microseconds, row.requests)

    def to_representation(self, instance: Usage) -> dict[str, Any]:
        row = super().to_representation(instance)
        return {**row, "key": row["key"] or None}


class UsageTotalReply(serializers.Serializer[Any]):
    requests = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # as above


class UsageReply(serializers.Serializer[Any]):
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    total = UsageTotalReply(help_text="Of all days and endpoints that were asked for, whatever the page.")
    usage = UsageDayReply(many=True)
    meta = PageMeta()
