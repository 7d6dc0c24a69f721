"""Notifications, what may be asked of them, and what is read."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.fields import TextField, TruthField
from accounts.strict import StrictSerializer
from stocks.serializers.fields import maybe


class NotificationQuery(StrictSerializer):
    cursor = TextField(
        required=False,
        validators=[RegexValidator(r"^[1-9][0-9]{0,17}$", "is no cursor of a page")],
        help_text="`next_cursor` of the page before.",
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=100)
    unread = serializers.BooleanField(default=False, help_text="true: only those that are not read.")

    def validate_cursor(self, value: str) -> int:
        return int(value)


class NotificationMark(StrictSerializer):
    read = TruthField()


class NotificationsRead(StrictSerializer):
    through = serializers.UUIDField(help_text="This notification and all before it.")


class NotificationReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    alert_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    kind = serializers.CharField()
    condition = serializers.CharField()
    field = serializers.SerializerMethodField()
    stock_code = serializers.CharField()
    screen_id = serializers.UUIDField(allow_null=True)
    threshold = maybe()
    value = maybe(help_text="What crossed the threshold.")
    price = maybe()
    as_of = serializers.DateTimeField(format=None)
    created_at = serializers.DateTimeField(format=None)
    read_at = serializers.DateTimeField(format=None, allow_null=True)

    def get_field(self, notification: Any) -> str | None:
        return notification.field or None


class NotificationListReply(serializers.Serializer[Any]):
    notifications = NotificationReply(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null on the last page.")
    unread = serializers.IntegerField(help_text="How many of all are not read.")


class MarkedReply(serializers.Serializer[Any]):
    marked = serializers.IntegerField()
