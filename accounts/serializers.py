"""Bodies of requests and replies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.fields import (
    EmailField,
    NameField,
    PasswordField,
    TextField,
    WholeNumberField,
    refuse_easy_password,
)
from accounts.models import Scope, Tier, User
from accounts.models.keys import usual_scopes
from accounts.paging import PageMeta
from accounts.strict import StrictSerializer

# First and last name are stored as one name, with a space between them.
_PART_OF_NAME_LENGTH = 74


class Register(StrictSerializer):
    email = EmailField()
    password = PasswordField(min_length=8)
    name = NameField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_easy_password("password", attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        return attrs


class Login(StrictSerializer):
    email = EmailField()
    password = PasswordField()


class Refresh(StrictSerializer):
    refresh_token = TextField(max_length=256)


class Logout(StrictSerializer):
    refresh_token = TextField(max_length=256, required=False)


class TicketIssue(StrictSerializer):
    """Nothing: who asks is all that counts."""


class KeyRegistration(StrictSerializer):
    name = NameField(max_length=_PART_OF_NAME_LENGTH)
    last_name = NameField(max_length=_PART_OF_NAME_LENGTH)
    email = EmailField()


class Confirmation(StrictSerializer):
    token = TextField(max_length=4096)


class ScopesField(serializers.ListField):
    """At least one scope; a scope that is named twice counts once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.ChoiceField(choices=Scope.choices), min_length=1, **options)


class KeyIssue(StrictSerializer):
    name = NameField(max_length=100)
    scopes = ScopesField(
        default=usual_scopes,
        max_length=len(Scope.values),
        help_text="What the key may be used for; `admin` is for keys of staff.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must be in the future")
        return value


class KeyRotation(StrictSerializer):
    grace_s = WholeNumberField(
        default=0,
        min_value=0,
        max_value=7 * 86_400,
        help_text="So many seconds the old key goes on working, at most a week.",
    )


class UserReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    tier = serializers.ChoiceField(choices=Tier.choices)


class AccountReply(UserReply):
    email_confirmed_at = serializers.DateTimeField(format=None, allow_null=True)
    created_at = serializers.DateTimeField(format=None)


class TokensReply(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()


class SignInReply(TokensReply):
    user = UserReply()


class TicketReply(serializers.Serializer[Any]):
    ticket = serializers.CharField(help_text="Opens one connection, as `?ticket=` or in an `auth` frame.")
    expires_at = serializers.DateTimeField(format=None)
    expires_in = serializers.IntegerField(help_text="Seconds.")


class PingReply(serializers.Serializer[Any]):
    status = serializers.CharField()
    message = serializers.CharField()


class KeyReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The part of the key that may be shown.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    created_at = serializers.DateTimeField(format=None)
    expires_at = serializers.DateTimeField(format=None, allow_null=True)
    last_used_at = serializers.DateTimeField(format=None, allow_null=True)


class KeyListReply(serializers.Serializer[Any]):
    api_keys = KeyReply(many=True)
    meta = PageMeta()


class KeyIssuedReply(serializers.Serializer[Any]):
    """The only reply that holds the key itself."""

    id = serializers.UUIDField(source="row.id")
    name = serializers.CharField(source="row.name")
    prefix = serializers.CharField(source="row.prefix")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), source="row.scopes")
    api_key = serializers.CharField(source="text")
    created_at = serializers.DateTimeField(source="row.created_at", format=None)
    expires_at = serializers.DateTimeField(source="row.expires_at", format=None, allow_null=True)


class AcceptedReply(serializers.Serializer[Any]):
    status = serializers.CharField()
    message = serializers.CharField()


class ConfirmedReply(serializers.Serializer[Any]):
    api_key = serializers.CharField(source="text")
    user = UserReply(source="row.user")


class LimitReply(serializers.Serializer[Any]):
    """At most so many requests in any time of this length."""

    name = serializers.CharField()
    requests = serializers.IntegerField(source="limit")
    window_s = serializers.IntegerField(source="seconds")


class TierReply(serializers.Serializer[Any]):
    tier = serializers.CharField(source="name")
    limits = LimitReply(many=True, source="policies")
    websocket_rooms = serializers.IntegerField(help_text="The most rooms of one WebSocket.")
    websocket_connections = serializers.IntegerField(help_text="The most connections open at once.")
    alerts = serializers.IntegerField(help_text="The most alerts that are kept.")
    webhooks = serializers.IntegerField(help_text="The most addresses that alerts are posted to.")
    transactions = LimitReply(allow_null=True, help_text="Of requests that change a ledger.")


class TiersReply(serializers.Serializer[Any]):
    tiers = TierReply(many=True, help_text="Smallest first, that without a user being of each address.")
    auth = LimitReply(help_text="Of attempts to sign in or to register, of each address and of each account.")
    address = LimitReply(help_text="Of all requests of an address together.")
