from __future__ import annotations

from stocks.providers.kis.frames import BOOKS, PRICES, Ack, Channel
from stocks.providers.kis.registrations import ANSWER_SECONDS, REFUSED_SECONDS, Registrations


def codes(count: int, start: int = 0) -> list[str]:
    return [f"{number:06}" for number in range(start, start + count)]


def settled(wanted: list[str], now: float = 0.0) -> Registrations:
    held = Registrations()
    for channel, _ in held.requests(wanted, now):
        assert held.answered(Ack(channel, "OPSP0000"), now)
    return held


def test_each_stock_is_asked_for_by_price_and_then_by_book():
    assert Registrations().requests(["005930", "247540"], 0) == [
        (Channel(PRICES, "005930"), True),
        (Channel(BOOKS, "005930"), True),
        (Channel(PRICES, "247540"), True),
        (Channel(BOOKS, "247540"), True),
    ]


def test_at_most_41_are_asked_for_the_most_wanted_first():
    asked = Registrations().requests(codes(30), 0)
    assert len(asked) == 41
    assert asked[-1] == (Channel(PRICES, "000020"), True)


def test_nothing_is_asked_twice():
    held = settled(codes(3))
    assert held.requests(codes(3), 100) == []
    assert held.requests([*codes(3), *codes(3)], 100) == []


def test_what_is_no_longer_wanted_is_ended_before_anything_is_asked_for():
    held = settled(codes(20))
    asked = held.requests(codes(20, start=5), 1)
    assert [subscribe for _, subscribe in asked] == [False] * 10 + [True] * 10
    assert {channel.code for channel, subscribe in asked if not subscribe} == set(codes(5))
    assert {channel.code for channel, subscribe in asked if subscribe} == set(codes(5, start=20))
    for channel, subscribe in asked:
        assert held.answered(Ack(channel, "OPSP0000" if subscribe else "OPSP0001"), 1)
    assert held.requests([], 2) == [
        (channel, False) for channel in [Channel(k, c) for c in codes(20, 5) for k in (PRICES, BOOKS)]
    ]
    assert Channel(PRICES, "000010") not in held


def test_already_registered_and_already_ended_are_as_good_as_done():
    held = Registrations()
    (price, _), _ = held.requests(["005930"], 0)
    assert held.answered(Ack(price, "OPSP0002"), 0)
    assert price in held
    held.requests([], 1)
    assert held.answered(Ack(price, "OPSP0003"), 1)
    assert held.answered(Ack(price, "OPSP0001"), 1)
    assert price not in held


def test_a_server_that_allows_fewer_is_asked_for_no_more():
    held = Registrations()
    for number, (channel, _) in enumerate(held.requests(codes(20), 0)):
        held.answered(Ack(channel, "OPSP0000" if number < 7 else "OPSP0008"), 0)
    assert held.requests(codes(20), 1) == []
    assert Channel(PRICES, "000003") in held
    assert Channel(BOOKS, "000003") not in held
    # Another most wanted stock still takes the place of the least wanted.
    asked = held.requests(["999999", *codes(20)], 2)
    assert [(channel.code, subscribe) for channel, subscribe in asked] == [
        ("000002", False),
        ("000003", False),
        ("999999", True),
        ("999999", True),
    ]


def test_what_is_refused_as_too_many_is_not_asked_again_while_answers_are_on_their_way():
    held = Registrations()
    asked = [channel for channel, _ in held.requests(codes(20), 0)]
    for number, channel in enumerate(asked):
        held.answered(Ack(channel, "OPSP0000" if number < 7 else "OPSP0008"), 0)
        assert held.requests(codes(20), 0) == []


def test_what_awaits_its_answer_is_ended_after_it_and_takes_its_room_until_then():
    held = Registrations(limit=4)
    asked = [channel for channel, _ in held.requests(codes(2), 0)]
    assert held.requests(codes(2, start=5), 0) == []
    held.answered(Ack(asked[0], "OPSP0000"), 0)
    assert held.requests(codes(2, start=5), 0) == [(asked[0], False), (Channel(PRICES, "000005"), True)]
    for channel in asked[1:]:
        held.answered(Ack(channel, "OPSP0000"), 0)
    assert [subscribe for _, subscribe in held.requests(codes(2, start=5), 0)] == [False] * 3 + [True] * 3


def test_a_refused_stock_makes_room_and_is_tried_again_later():
    held = Registrations()
    first, *_ = (channel for channel, _ in held.requests(codes(21), 0))
    assert not held.answered(Ack(first, "OPSP8992"), 0)
    assert [channel for channel, _ in held.requests(codes(21), 1)] == [Channel(BOOKS, "000020")]
    asked = held.requests(codes(21), REFUSED_SECONDS + 1)
    assert (first, True) in asked
    assert (Channel(BOOKS, "000020"), False) in asked


def test_what_nobody_answered_is_asked_again():
    held = Registrations()
    asked = held.requests(["005930"], 0)
    assert held.requests(["005930"], ANSWER_SECONDS) == []
    assert held.requests(["005930"], ANSWER_SECONDS + 0.1) == asked
    assert held.requests(["005930"], ANSWER_SECONDS + 0.2) == []


def test_an_answer_to_nobody_changes_nothing():
    held = settled(["005930"])
    assert not held.answered(Ack(Channel("(null)", ""), "OPSP9999"), 0)
    assert held.answered(Ack(Channel(PRICES, "000000"), "OPSP0000"), 0)
    assert Channel(PRICES, "000000") not in held
    assert held.requests(["005930"], 1) == []
