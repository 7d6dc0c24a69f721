from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from accounts.principal import Principal
from accounts.rooms import AlertRoom

ALICE = Principal(uuid4(), "alice@example.com", "free", None)


def test_a_user_is_let_into_their_own_room_and_no_other_without_a_query():
    room = AlertRoom()
    assert room.admits(ALICE, str(ALICE.user_id))
    room.authorize(ALICE, str(ALICE.user_id))
    for key in (str(uuid4()), str(ALICE.user_id).upper(), "alice@example.com", ""):
        assert not room.admits(ALICE, key)
        with pytest.raises(PermissionDenied):
            room.authorize(ALICE, key)
    assert room.snapshot(str(ALICE.user_id)) is None
