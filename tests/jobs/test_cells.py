"""Names of cells: file names that hold the dose, whatever numbers it is of."""

import re

from hypothesis import given
from hypothesis import strategies as st

from idempotence.doses import preference_cells, supervised_cells

exact = st.floats(0, 100, exclude_min=True, exclude_max=True, allow_subnormal=False)
counts = st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True)
doses = st.lists(exact, min_size=1, max_size=4, unique=True)
COLUMNS = {"level": "level", "sampled": "n_sampled", "seed": "n_seed", "beta": "beta"}


@given(doses, counts, counts)
def test_names_of_cells_are_unique_and_hold_the_dose(numbers, first, second):
    cells = [
        *supervised_cells(numbers, [], first),
        *supervised_cells([], second, first),
        *preference_cells(numbers, first),
    ]
    assert len({cell.name for cell in cells}) == len(cells)
    assert len(cells) == len(first) * (2 * len(numbers) + len(second))
    for cell in cells:
        by_name = {
            COLUMNS.get(word, word): float(number)
            for word, number in re.findall(r"([a-z]{2,})([\d.]+(?:e[+-]?\d+)?)", cell.name)
        }
        assert by_name == {name: dose for name, dose in cell.doses.items() if dose is not None}
        assert "/" not in cell.name
