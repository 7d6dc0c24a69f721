"""Alerts as they are shown."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.paging import PageMeta
from screening.alerts.serializers.asking import CHANNELS
from screening.models.alerts import Alert
from stocks.serializers.fields import maybe, number


class AlertReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    stock_code = serializers.SerializerMethodField()
    kind = serializers.CharField()
    condition = serializers.CharField()
    field = serializers.SerializerMethodField()
    screen_id = serializers.UUIDField(allow_null=True)
    threshold = maybe()
    hysteresis = number()
    cooldown_s = serializers.IntegerField()
    expires_at = serializers.DateTimeField(format=None, allow_null=True)
    repeat = serializers.BooleanField()
    channels = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    times_fired = serializers.IntegerField()
    last_fired_at = serializers.DateTimeField(source="fired_as_of", format=None, allow_null=True)
    created_at = serializers.DateTimeField(format=None)

    def get_stock_code(self, alert: Alert) -> str | None:
        return None if alert.stock is None else alert.stock.code

    def get_field(self, alert: Alert) -> str | None:
        return alert.field or None

    def get_channels(self, alert: Alert) -> list[str]:
        on = {"in_app": True, "email": alert.by_email, "webhook": alert.by_webhook}
        return [channel for channel in CHANNELS if on[channel]]

    @extend_schema_field({"type": "string", "enum": Alert.Status.values})
    def get_status(self, alert: Alert) -> str:
        over = alert.expires_at is not None and alert.expires_at <= timezone.now()
        return "expired" if over and alert.status == Alert.Status.ACTIVE else alert.status


class AlertListReply(serializers.Serializer[Any]):
    alerts = AlertReply(many=True)
    meta = PageMeta()
