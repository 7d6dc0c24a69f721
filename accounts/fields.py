"""Input fields of users: what an address, a name and a password may be."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers

from accounts.models import User

NAME_LENGTH = 150
PASSWORD_LENGTH = 128
# Joiners are part of correct spelling in several scripts; every other invisible character is refused.
_JOINERS = "\u200c\u200d"
_REFUSED_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class TextField(serializers.CharField):
    """Text as the client wrote it: a number is refused rather than turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """An integer of a JSON body: a text or a truth value is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class TruthField(serializers.BooleanField):
    """true or false of a JSON body: neither a number nor a word such as "on" is one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class NameField(TextField):
    """A person's or a thing's name: 1 to 150 characters, NFC, nothing that controls a terminal or a page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": NAME_LENGTH, **options})

    def to_internal_value(self, data: Any) -> str:
        name = unicodedata.normalize("NFC", super().to_internal_value(data))
        for character in name:
            if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _JOINERS:
                raise serializers.ValidationError("control and invisible characters are not allowed")
        return name


class EmailField(serializers.EmailField):
    """An address in lower case. ASCII only, so that no look-alike address passes for another."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 254, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not data.isascii():
            self.fail("invalid")
        return super().to_internal_value(data).lower()


class PasswordField(TextField):
    """Kept character for character; its length is checked before anything is hashed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{
                "trim_whitespace": False,
                "max_length": PASSWORD_LENGTH,
                "write_only": True,
                "style": {"input_type": "password"},
                **options,
            }
        )


def refuse_easy_password(field: str, password: str, user: User | None = None) -> None:
    """Raises serializers.ValidationError of the field for a password that is easily guessed."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise serializers.ValidationError({field: error.messages}) from error
