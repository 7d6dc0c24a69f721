"""One of several processes does a work."""

from __future__ import annotations

import threading

import pytest

from stocks.lease import Lease, LeaseLost
from stocks.management.turns import work_in_turn

pytestmark = pytest.mark.django_db


def test_a_lease_is_one_processs_alone():
    first, second = Lease("alerts"), Lease("alerts")
    assert first.take()
    first.check()
    assert not second.take()
    first.release()
    assert second.take()
    assert second.epoch == 2
    first.epoch = 1
    assert not first.renew()
    with pytest.raises(LeaseLost):
        first.check()


def test_a_lease_ends_by_itself_and_can_be_renewed_until_somebody_takes_it():
    short, other = Lease("alerts", seconds=0), Lease("alerts")
    assert short.take()
    assert short.renew()
    short.check()
    assert other.take()
    assert not short.renew()


def test_each_work_has_a_lease_of_its_own():
    first, second = Lease("alerts"), Lease("screens")
    assert first.take()
    assert second.take()
    first.check()
    second.check()


def test_a_process_works_while_it_holds_the_lease_and_gives_it_back():
    stop, lease, seen = threading.Event(), Lease("alerts"), []

    def work(until: threading.Event) -> None:
        lease.check()
        seen.append(lease.epoch)
        if len(seen) == 2:
            until.set()

    work_in_turn(lease, work, stop)
    assert seen == [1, 2]
    assert Lease("alerts").take()


def test_a_process_that_is_replaced_waits_for_its_turn_again():
    stop, lease, other = threading.Event(), Lease("alerts"), Lease("alerts")

    def work(until: threading.Event) -> None:
        lease.release()
        assert other.take()
        lease.epoch = other.epoch - 1
        until.set()
        lease.check()

    work_in_turn(lease, work, stop)
    other.check()
