"""Ticks of axes over cycles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.figures.lines import ROOM, cycle_ticks, ticks_of


@pytest.mark.parametrize(
    ("last", "step"), [(0, 1), (10, 1), (11, 5), (50, 5), (51, 10), (100, 10), (900, 100)]
)
def test_ticks_lie_so_far_apart(last, step):
    assert cycle_ticks(last) == range(0, last + 1, step)


@given(st.sets(st.integers(0, 1000), min_size=1))
def test_ticks_are_few_and_within_the_axis(cycles):
    ticks = list(ticks_of(cycles))
    assert len(ticks) <= ROOM + 1 and min(ticks) >= 0 and max(ticks) <= max(cycles)
    if max(cycles) <= ROOM:
        assert ticks == sorted(cycles)
