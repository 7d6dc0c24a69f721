"""Which (stock, day) a file has held so far."""

from contextlib import closing

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stocks.loading.seen import SeenDays

ROW = st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 7, 1023, 1024, 1025, 46_000, 73_000]))


@given(batches=st.lists(st.lists(ROW, min_size=1, max_size=12), min_size=1, max_size=6))
def test_it_names_the_line_of_the_first_of_equal_keys_within_and_across_batches(batches):
    expected: dict[tuple[int, int], int] = {}
    line = 1
    with closing(SeenDays()) as seen:
        for batch in batches:
            lines = list(range(line + 1, line + 1 + len(batch)))
            line = lines[-1]
            before = seen.add(*(np.array(column, np.int64) for column in (*zip(*batch, strict=True), lines)))
            for key, here, found in zip(batch, lines, before, strict=True):
                first = expected.setdefault(key, here)
                assert found == (0 if first == here else first)
        keys = sorted(expected)
        absent = [(stock, day + 2) for stock, day in keys if (stock, day + 2) not in expected]
        for rows, held in ((keys, True), (absent, False)):
            if rows:
                stocks, days = (np.array(column, np.int64) for column in zip(*rows, strict=True))
                assert (seen.holds(stocks, days) == held).all()


def test_a_million_days_of_many_stocks_take_little_memory():
    with closing(SeenDays()) as seen:
        days = np.arange(40_000, 41_000, dtype=np.int64)
        for stock in range(1000):
            seen.add(np.full(len(days), stock, np.int64), days, days)
        assert sum(page.nbytes for page in seen._pages.values()) < 1_000_000
