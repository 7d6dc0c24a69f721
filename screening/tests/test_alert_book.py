"""The book of alerts, against a look at every pair of neighbours, however the ticks come in pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from screening.alerts.book import Book, Watch
from screening.alerts.measures import Measure, Sight
from screening.alerts.rules import Rule, State

IDS = [UUID(int=number) for number in range(6)]
SECOND = 1_000_000
PRICES = st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 20)), max_size=60)
RULES = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["above", "below"]), st.integers(1, 20)),
    min_size=1,
    max_size=6,
)


def watch(number: int = 0, code: str = "A", condition: str = "above", threshold: int = 10, **values) -> Watch:
    rule = Rule(condition, threshold)  # type: ignore[arg-type]
    return Watch(IDS[number], code, Measure.PRICE, rule, State.NEW, 1, (-1, -1), **values)


def shown(book: Book, *prices: int, start: int = 0) -> list[tuple[int, int]]:
    """Arm and price of what fires, a tick a second."""
    for at, price in enumerate(prices, start=start):
        book.tick("A", Sight((at * SECOND, 0), price))
    return [(firing.arm, firing.value) for move in book.moves() for firing in move.firings]


def book_of(*watches: Watch) -> Book:
    book = Book()
    for one in watches:
        book.put(one)
    return book


@given(RULES, PRICES, st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_in_whatever_pieces_and_however_often_begun_anew_the_edges_are_the_same(rules, ticks, cuts, crashes):
    """A store keeps what moves say; a crash loses the book, and the last piece comes again."""
    stored: dict[UUID, Watch] = {
        IDS[number]: watch(number, code, condition, threshold)
        for number, (code, condition, threshold) in enumerate(rules)
    }
    fired: dict[tuple[UUID, int], int] = {}
    bounds = sorted({0, len(ticks), *(cut for cut in cuts if cut < len(ticks))})
    book = book_of(*map(replace, stored.values()))
    for start, end in pairwise(bounds):
        for again in (False, True) if start in crashes else (False,):
            if again:
                book = book_of(*map(replace, stored.values()))
            for at in range(start, end):
                code, price = ticks[at]
                book.tick(code, Sight((at, 0), price))
            _store(book, stored, fired)
    for alert_id, one in stored.items():
        prices = [price for code, price in ticks if code == one.code]
        found = [value for (of, _), value in sorted(fired.items()) if of == alert_id]
        assert found == _edges(one.rule, prices)


def _store(book: Book, stored: dict[UUID, Watch], fired: dict[tuple[UUID, int], int]) -> None:
    for move in book.moves():
        known = stored[move.alert_id]
        assert move.before == known.arm
        assert move.seen > known.seen
        stored[move.alert_id] = replace(known, state=move.state, arm=move.arm, seen=move.seen)
        for firing in move.firings:
            assert (move.alert_id, firing.arm) not in fired
            fired[move.alert_id, firing.arm] = firing.value


def _edges(rule: Rule, prices: list[int]) -> list[int]:
    if rule.condition == "above":
        return [now for before, now in pairwise(prices) if before <= rule.threshold < now]
    return [now for before, now in pairwise(prices) if before >= rule.threshold > now]


def test_arms_are_numbered_and_what_is_known_is_not_told_again():
    book = book_of(watch())
    assert shown(book, 9, 11, 9, 12) == [(1, 11), (2, 12)]
    assert shown(book, 9, 11, 9, 12) == []
    assert shown(book, 9, 13, start=4) == [(3, 13)]


def test_a_cooldown_counts_from_tick_to_tick_and_passes_crossings_over():
    book = book_of(watch(cooldown=3))
    assert shown(book, 9, 11, 9, 12, 9, 13) == [(1, 11), (2, 13)]


def test_one_that_does_not_repeat_or_has_expired_leaves_the_book():
    book = book_of(watch(repeat=False), watch(1, expires_at=3 * SECOND))
    assert sorted(shown(book, 9, 11, 9, 12)) == [(1, 11), (1, 11)]
    assert shown(book, 9, 12, start=4) == []
    assert len(book) == 0
    assert "A" not in book


def test_an_alert_that_is_put_again_is_there_once_and_one_that_is_dropped_is_not():
    book = book_of(watch(), watch(), watch(1))
    assert len(book) == 2
    book.drop(IDS[1])
    book.drop(IDS[1])
    assert shown(book, 9, 11) == [(1, 11)]


def test_what_is_asked_of_stocks_is_what_alerts_look_at():
    book = book_of(
        replace(watch(), measure=Measure.VOLUME),
        replace(watch(1), measure="rsi_14"),
        replace(watch(2, "B"), measure="sma_20"),
        watch(3),
    )
    assert book.asked() == ({"A"}, {"A": {"rsi_14"}, "B": {"sma_20"}})
