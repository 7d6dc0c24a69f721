from __future__ import annotations

import random
import statistics

from stockroom_client import Backoff


def test_a_wait_is_anything_between_nothing_and_a_bound_that_doubles_up_to_the_cap() -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    backoff = Backoff(uniform=uniform)
    waits = [backoff.next() for _ in range(9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert {low for low, _ in bounds} == {0.0}


def test_after_a_connection_that_lived_the_first_wait_is_short_again() -> None:
    backoff = Backoff(uniform=lambda low, high: high)
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() == 0.5


def test_the_jitter_is_full_so_that_ten_thousand_clients_come_back_evenly() -> None:
    uniform = random.Random(20260302).uniform
    waits = []
    for _ in range(10_000):
        backoff = Backoff(uniform=uniform)
        for _ in range(4):
            backoff.next()
        waits.append(backoff.next())
    assert 0 <= min(waits) < 0.05 and 7.95 < max(waits) <= 8.0
    tenths = [sum(0.8 * tenth <= wait < 0.8 * (tenth + 1) for wait in waits) for tenth in range(10)]
    assert max(tenths) < 1.2 * statistics.mean(tenths) and min(tenths) > 0.8 * statistics.mean(tenths)
