"""Numbers and sums of many rows at once are those of one row at a time, without a database."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from portfolios.live import parts, writing
from portfolios.live.parts import Parts, parts_of
from portfolios.live.sums import total_of
from portfolios.maths import whole
from portfolios.maths.columns import percent_even
from portfolios.tests.test_live_columns import NOW, USUAL, World
from realtime.protocol.letters import NULL, Figures, joined


@pytest.mark.parametrize("places", [0, 2, 4, 8])
@pytest.mark.parametrize("most", [1, 10, 10**4, 10**8, 10**12, 10**18])
def test_numbers_are_written_as_one_by_one(places: int, most: int) -> None:
    chance = random.Random(most)
    numbers = [0, 1, -1, most, -most, *(chance.randint(-most, most) for _ in range(300))]
    numbers += [number // 100 * 100 for number in numbers]
    known = [None if chance.random() < 0.1 else number for number in numbers]
    columns = Figures(np.array([NULL if number is None else number for number in known]), places)
    texts = joined(len(numbers), (b'{"a":', columns, b',"b":', Figures(np.array(numbers), places), b"}"))
    for number, given, text in zip(numbers, known, texts, strict=True):
        one, other = (whole.written(which, places) for which in (number, given))
        assert text.decode() == f'{{"a":{other},"b":{one}}}'
        assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["b"] == Decimal(number).scaleb(
            -places
        )


def test_parts_are_never_wrong_where_they_are_sure() -> None:
    chance = random.Random(3)
    unit = 10**22
    numbers = [
        # Exact, and with digits that parts do not hold; some so near to a whole one that nobody can tell.
        chance.randrange(-(10**6), 10**6) * unit
        + chance.choice([0, 1, unit - 1, chance.randrange(unit), chance.randrange(1000) * unit // 1000])
        for _ in range(400)
    ]
    others = [chance.choice(numbers) for _ in numbers]

    def columns(some: list[int]) -> Parts:
        return Parts(*np.array([parts_of(one, unit) for one in some]).T)

    for sign, found in (
        (1, columns(numbers).plus(columns(others))),
        (-1, columns(numbers).minus(columns(others))),
    ):
        sure = found.is_sure()
        assert 0.3 < sure.mean() < 1.0
        for one, other, is_sure, number, part in zip(
            numbers, others, sure.tolist(), found.whole.tolist(), found.part.tolist(), strict=True
        ):
            exact = Fraction(one + sign * other, unit)
            assert 0 <= part < parts.ONE
            assert abs(number + Fraction(part, parts.ONE) - exact) < Fraction(3, parts.ONE)
            if is_sure:
                assert number == exact.numerator // exact.denominator
                assert (part > 0) == (exact != number)


@pytest.mark.parametrize("seed", range(3))
def test_portfolios_are_written_together_as_they_are_one_by_one(seed: int) -> None:
    world = World(seed, unknown=0.0, sizes=USUAL)
    written = 0
    for step in range(2, 12):
        world.move(step)
        waiting = world.book.waiting()
        owners = [world.book.by_place[at] for at in waiting.tolist()]
        texts, alone = writing._summaries(world.book, waiting)
        for number, (owner, text) in enumerate(zip(owners, texts, strict=True)):
            one = writing._summary(owner, *total_of(owner))
            if number not in alone:
                assert one.endswith(text)
                written += 1
        writing.fields(world.book, waiting, NOW)
    assert written > 500


def test_what_is_too_great_for_columns_is_found_before() -> None:
    world = World(1, unknown=0.0)
    for step in range(2, 12):
        world.move(step)
    owners = list(world.book.portfolios.values())
    texts, alone = writing._summaries(world.book, np.array([owner.at for owner in owners]))
    assert 20 < len(alone) < len(owners)
    for number in range(len(owners)):
        if number not in alone:
            one = writing._summary(owners[number], *total_of(owners[number]))
            assert one.endswith(texts[number])


@pytest.mark.parametrize("bits", [20, 40, 50, 52, 56, 62])
def test_percentages_of_many_are_those_of_one(bits: int) -> None:
    chance = random.Random(bits)
    wholes = [chance.randrange(2 ** (bits - 1), 2**bits) for _ in range(500)]
    parts_of_wholes = [
        # Ties and what is next to them, and anything else.
        whole_ * chance.randrange(-2_000_001, 2_000_001, 2) // 2_000_000 + chance.randint(-1, 1)
        if chance.random() < 0.5
        else chance.randrange(-whole_, whole_)
        for whole_ in wholes
    ]
    mores = [chance.random() < 0.3 for _ in wholes]
    found, sure = percent_even(np.array(parts_of_wholes), np.array(wholes), np.array(mores))
    for part, whole_, more, number, is_sure in zip(
        parts_of_wholes, wholes, mores, found.tolist(), sure.tolist(), strict=True
    ):
        if is_sure:
            assert number == whole.percent(part, whole_)
            # Digits that were cut off decide nothing.
            if more:
                assert number == whole.percent(part * 1000 + 999, whole_ * 1000)
                assert number == whole.percent(part * 1000, whole_ * 1000 + 999)
    assert sure.sum() > (200 if bits > 20 else 100)
