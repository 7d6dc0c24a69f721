"""Tokens whose signature was checked before."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.errors import InvalidToken
from accounts.token_cache import TokenCache
from accounts.tokens import access_token_issue


def issued() -> str:
    return access_token_issue(user_id=uuid4(), session_id=uuid4(), tier="free")


def test_it_works(monkeypatch):
    cache, token = TokenCache(), issued()
    first = cache.read(token)
    monkeypatch.setattr("accounts.token_cache.access_token_read", None)
    assert cache.read(token) is first


def test_a_token_ends_when_it_says_though_it_is_known():
    cache, token = TokenCache(), issued()
    cache.read(token)
    with time_machine.travel(timezone.now() + timedelta(minutes=59), tick=False):
        cache.read(token)
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False), pytest.raises(InvalidToken):
        cache.read(token)


def test_a_known_token_with_one_other_character_is_another_token():
    cache, token = TokenCache(), issued()
    cache.read(token)
    other = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    with pytest.raises(InvalidToken):
        cache.read(other)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "\ud800", "é", "\x00", "x" * 100_000])
def test_what_is_no_token_is_refused_and_not_kept(text):
    cache = TokenCache()
    with pytest.raises(InvalidToken):
        cache.read(text)
    assert len(cache) == 0


def test_another_signing_key_ends_what_is_known(settings):
    cache, token = TokenCache(), issued()
    cache.read(token)
    settings.JWT_SIGNING_KEY = "another key " * 6
    with pytest.raises(InvalidToken):
        cache.read(token)


def test_it_is_bounded_and_keeps_what_is_used():
    cache, used = TokenCache(generation=10), issued()
    known = cache.read(used)
    for _ in range(100):
        cache.read(issued())
        assert cache.read(used) is known
        assert len(cache) <= 20


def test_no_token_lies_in_it():
    cache, token = TokenCache(), issued()
    cache.read(token)
    assert token not in repr(vars(cache)) + repr(cache.read(token).claims)
