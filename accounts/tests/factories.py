"""The cast: alice owns, bob is another user, charlie must see nothing of theirs."""

from __future__ import annotations

import secrets
from functools import cache

import factory
from django.contrib.auth.hashers import make_password

from accounts.models import User

#: Random, so that a log in which it stands can be told from one that has the same words.
PASSWORD = f"correct horse {secrets.token_urlsafe(24)}"


@cache
def _hashed(password: str) -> str:
    return make_password(password)


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"user{number}@example.com")
    name = factory.Faker("name")
    password = factory.LazyFunction(lambda: _hashed(PASSWORD))
