"""The search for a level's dose."""

from hypothesis import given
from hypothesis import strategies as st

from idempotence.cycle_zero.dose_search import crossing, dose_grid, pick_dose


@given(st.integers(1, 40), st.floats(0.1, 99.9), st.floats(0.5, 8))
def test_the_search_finds_the_crossing_of_a_rising_score(n, level, slope):
    grid = dose_grid(4, 4 * n)
    reached = [dose for dose in grid if min(dose * slope, 100) >= level]
    at = crossing(lambda dose: min(dose * slope, 100), level, grid)
    assert grid[at:] == reached


def test_the_grid_ends_at_the_largest_dose():
    assert dose_grid(4, 12) == [4, 8, 12] and dose_grid(5, 12) == [5, 10]


def test_the_nearest_dose_is_taken_and_an_unreached_level_is_marked():
    scores = {4: 1.0, 8: 10.0, 12: 40.0}
    assert pick_dose(scores.__getitem__, 20, [4, 8, 12])["n_seed"] == 8
    assert pick_dose(scores.__getitem__, 39, [4, 8, 12])["n_seed"] == 12
    assert pick_dose(scores.__getitem__, 60, [4, 8, 12]) == {
        "n_seed": 12, "score": 40.0, "reached": False,
    }  # fmt: skip
