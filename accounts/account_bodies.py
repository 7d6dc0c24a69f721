"""Bodies about one's own account: its password, its address, its name."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.fields import EmailField, NameField, PasswordField, TextField, refuse_easy_password
from accounts.strict import StrictSerializer


class PasswordChange(StrictSerializer):
    current_password = PasswordField()
    new_password = PasswordField(min_length=8)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_easy_password("new_password", attrs["new_password"], self.context.get("user"))
        return attrs


class PasswordForgotten(StrictSerializer):
    email = EmailField()


class LinkSecret(StrictSerializer):
    token = TextField(max_length=1024)


class PasswordReset(LinkSecret):
    new_password = PasswordField(min_length=8)
    revoke_api_keys = serializers.BooleanField(
        default=False, help_text="Whether the API keys of the account end as well."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_easy_password("new_password", attrs["new_password"])
        return attrs


class Rename(StrictSerializer):
    name = NameField()
