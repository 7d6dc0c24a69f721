"""Models that are read by statements written by hand: what a queryset reads, field by field"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session, User
from accounts.selectors import session_find, sessions_alive
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def fields_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def session():
    user = UserFactory.create(name="Zoë O'Neil", tier="pro", email_confirmed_at=timezone.now())
    return Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))


def found(session, *, now=None, user_id=None):
    now, user_id = now or timezone.now(), user_id or session.user_id
    return session_find(session_id=session.pk, user_id=user_id, now=now)


def test_a_session_and_its_user_are_read_whole_and_by_one_query(session, django_assert_num_queries):
    with django_assert_num_queries(1):
        one = found(session)
        user = one.user
    assert fields_of(one) == fields_of(Session.objects.get(pk=session.pk))
    assert fields_of(user) == fields_of(User.objects.get(pk=session.user_id))
    assert one == session and user == session.user
    # They can be changed like any other.
    one.revoked_because = "logout"
    one.save(update_fields=["revoked_because"])
    user.name = "Zoë"
    user.save(update_fields=["name"])
    session.refresh_from_db()
    assert (session.revoked_because, session.user.name) == ("logout", "Zoë")


@pytest.mark.parametrize("what", ["nothing", "revoked", "expired", "the user", "another user's"])
def test_it_is_found_while_a_queryset_finds_it(session, what):
    now, user_id = timezone.now(), session.user_id
    match what:
        case "revoked":
            Session.objects.update(revoked_at=now)
        case "expired":
            now = session.expires_at
        case "the user":
            User.objects.update(is_active=False)
        case "another user's":
            user_id = UserFactory.create().pk
    expected = sessions_alive(now=now).filter(pk=session.pk, user_id=user_id).first()
    assert (expected is None) == (what != "nothing")
    assert found(session, now=now, user_id=user_id) == expected
