"""Numbers and sums of compiled loops are those of Python, without a database."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from portfolios.live.parts import ONE, parts_of
from portfolios.live.parts_compiled import is_sure, minus, plus
from portfolios.maths import whole
from portfolios.maths.rounding_compiled import percent_even
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

    for sign, join in ((1, plus), (-1, minus)):
        sure = 0
        for one, other in zip(numbers, others, strict=True):
            found = join(parts_of(one, unit), parts_of(other, unit))
            number, part, _ = found
            exact = Fraction(one + sign * other, unit)
            assert 0 <= part < ONE
            assert abs(number + Fraction(part, ONE) - exact) < Fraction(3, ONE)
            if is_sure(found):
                sure += 1
                assert number == exact.numerator // exact.denominator
                assert (part > 0) == (exact != number)
        assert 0.3 < sure / len(numbers) < 1.0


@pytest.mark.parametrize("bits", [20, 40, 50, 52, 56, 62])
def test_percentages_of_loops_are_those_of_python(bits: int) -> None:
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
    certain = 0
    for part, whole_, more in zip(parts_of_wholes, wholes, mores, strict=True):
        number, is_certain = percent_even(part, whole_, more)
        certain += is_certain
        if is_certain:
            assert number == whole.percent(part, whole_)
            # Digits that were cut off decide nothing.
            if more:
                assert number == whole.percent(part * 1000 + 999, whole_ * 1000)
                assert number == whole.percent(part * 1000, whole_ * 1000 + 999)
    assert certain > (200 if bits > 20 else 100)
