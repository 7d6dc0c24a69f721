from __future__ import annotations

from datetime import UTC, datetime

import pytest

from realtime.counts import HELP, Counts
from realtime.lag import IngestLag
from realtime.protocol.encoding import timestamp

SENT = datetime(2026, 3, 2, 1, 30, 15, 125_000, tzinfo=UTC)


def message(moment: str = timestamp(SENT)) -> bytes:
    return f'{{"type":"price_update","data":{{"a":1}},"timestamp":"{moment}"}}'.encode()


def lag(*seconds: float) -> IngestLag:
    clock = iter(SENT.timestamp() + one for one in seconds)
    return IngestLag(lambda: next(clock))


def found(one: IngestLag) -> dict[str, int]:
    return {name: count for name, count in Counts(lag=one).totals() if count}


def test_each_event_is_in_the_bucket_of_its_lag() -> None:
    one = lag(0.0012, 0.3, 60.0)
    for moment in (SENT, SENT.replace(microsecond=126_000), SENT):
        one.take(message(timestamp(moment)))
    # The second was sent a millisecond later.
    assert found(one) == {"lag:0.0025": 1, "lag:0.5": 1, "lag:+Inf": 1, "lag:microseconds": 60_300_200}


def test_of_a_batch_that_was_sent_at_once_the_first_is_looked_at() -> None:
    one = lag(0.004)
    for _ in range(1000):
        one.take(message())
    assert found(one) == {"lag:0.005": 1000, "lag:microseconds": 4_000_000}


def test_a_clock_that_goes_ahead_makes_no_time_negative() -> None:
    one = lag(-0.2)
    one.take(message())
    assert found(one) == {"lag:0.001": 1}


@pytest.mark.parametrize("broken", [b"", b"{}", message("yesterday at a quarter"), b"\xff" * 40])
def test_a_message_without_a_time_is_not_measured(broken: bytes) -> None:
    one = lag(0.004)
    one.take(broken)
    assert found(one) == {}
    one.take(message())
    assert found(one) == {"lag:0.005": 1, "lag:microseconds": 4_000}


def test_the_longest_is_that_since_it_was_last_asked_for() -> None:
    one = lag(0.5, 0.2)
    one.take(message())
    assert one.longest() == 0.5
    one.take(message(timestamp(SENT.replace(microsecond=0))))
    assert one.longest() == 0.325
    assert one.longest() == 0


def test_every_total_says_what_it_is() -> None:
    assert HELP
    assert [name for name, text in HELP.items() if len(text.split()) < 3] == []
