"""prune_sessions, the nightly task"""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import RefreshToken, Session, User
from accounts.services.sessions import session_end, session_refresh, session_start
from accounts.tasks import prune_sessions

pytestmark = pytest.mark.django_db


def days_later(days: float):
    return time_machine.travel(timezone.now() + timedelta(days=days), tick=False)


def test_it_works(alice):
    session_start(user=alice)
    session_start(user=alice)
    session_end(session=Session.objects.latest("created_at"))
    with days_later(29):
        assert prune_sessions() == 0
    with days_later(31):
        assert prune_sessions() == 1
    assert Session.objects.get().revoked_at is None
    assert RefreshToken.objects.count() == 1
    assert User.objects.count() == 1


def test_a_second_run_changes_nothing(alice):
    session_start(user=alice)
    with days_later(61):
        assert prune_sessions() == 1
        assert prune_sessions() == 0


def test_an_expired_session_is_kept_for_thirty_days(alice, settings):
    settings.REFRESH_TOKEN_LIFETIME = timedelta(days=5)
    session_start(user=alice)
    with days_later(34):
        assert prune_sessions() == 0
    with days_later(36):
        assert prune_sessions() == 1


def test_used_refresh_tokens_of_a_living_session_do_not_pile_up(alice):
    signed_in = session_start(user=alice)
    for _ in range(4):
        signed_in = session_refresh(refresh_token=signed_in.refresh_token)
    assert RefreshToken.objects.count() == 5
    RefreshToken.objects.exclude(used_at=None).update(used_at=timezone.now() - timedelta(days=31))
    assert prune_sessions() == 0
    assert RefreshToken.objects.count() == 1
    session_refresh(refresh_token=signed_in.refresh_token)


def test_beat_knows_the_task_by_its_name():
    assert prune_sessions.name == "accounts.tasks.prune_sessions"
