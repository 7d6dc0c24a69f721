"""Webhooks as they are taken and shown."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import TextField, TruthField
from accounts.outbound.guard import MAX_URL, AddressRefused, AddressUnknown, parse, resolve
from accounts.strict import StrictSerializer


@extend_schema_field({"type": "string", "format": "uri", "maxLength": MAX_URL})
class WebhookUrlField(TextField):
    """A public https address. One whose name has no address now is taken: it is looked up at each attempt."""

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            target = parse(url)
            # What is kept names the port and the path as well.
            if len(target.url) > MAX_URL:
                raise AddressRefused(f"must have at most {MAX_URL} characters, its port and path included")
            resolve(target)
        except AddressRefused as error:
            raise serializers.ValidationError(str(error)) from None
        except AddressUnknown:
            return target.url
        return target.url


class WebhookCreate(StrictSerializer):
    url = WebhookUrlField()


class WebhookSwitch(StrictSerializer):
    active = TruthField()


class WebhookReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    active = serializers.BooleanField()
    failures = serializers.IntegerField(help_text="Failed attempts in a row.")
    disabled_because = serializers.CharField()
    created_at = serializers.DateTimeField(format=None)


class WebhookListReply(serializers.Serializer[Any]):
    webhooks = WebhookReply(many=True)


class WebhookIssuedReply(serializers.Serializer[Any]):
    """The only replies that hold the secret."""

    webhook = WebhookReply(source="row")
    secret = serializers.CharField(help_text="Shown once: what signatures are checked with.")
