"""Kept replies: found as long as nothing changed, and never after it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.tests.outages import absent_redis, close_breaker
from portfolios.caching import KEPT_SECONDS, MOST_BYTES, kept
from stocks.dataset import bump_version

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 11, 8, 12, tzinfo=UTC)


@pytest.fixture
def ask(portfolio, redis_client):
    """Ask for a reply, and say whether it was made anew."""

    def asked(view="history", now=NOW, reply=b"{}", **options):
        made = []

        def make():
            made.append(reply)
            return reply

        assert kept(portfolio, view, options, now=now, make=make) == reply
        return bool(made)

    return asked


def test_it_works(ask, redis_client):
    assert ask()
    assert not ask()
    (key,) = redis_client.keys("portfolio:*")
    assert 0 < redis_client.ttl(key) <= KEPT_SECONDS


def test_another_question_has_another_reply(ask):
    assert ask()
    assert ask(interval="weekly")
    assert ask(view="income")
    assert not ask(interval="weekly")


def test_what_changes_the_figures_changes_the_reply(ask, portfolio):
    assert ask()
    portfolio.last_sequence += 1
    assert ask()
    portfolio.method = "fifo"
    assert ask()
    bump_version()
    assert ask()
    assert ask(now=NOW + timedelta(days=1))
    assert not ask(now=NOW + timedelta(days=1))


def test_a_very_long_reply_is_not_kept(ask):
    assert ask(reply=b"x" * (MOST_BYTES + 1))
    assert ask(reply=b"x" * (MOST_BYTES + 1))


def test_without_redis_it_is_made_each_time(ask, settings):
    with absent_redis() as address:
        settings.REDIS_URL = address
        assert ask()
        assert ask()
    close_breaker()
