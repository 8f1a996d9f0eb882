"""Cells and their numbers of seed rows."""

import pytest

from idempotence.doses import (
    INITIAL,
    Cell,
    calibrated_doses,
    exact,
    n_seed_of,
    preference_cells,
    supervised_cells,
)


def test_the_seed_rows_of_a_cell_are_those_of_its_level_its_own_or_the_objectives():
    assert n_seed_of(Cell("c", level=20.0, n_sampled=2), None, {"20": 28}) == 28
    assert n_seed_of(Cell("c", n_seed=7, n_sampled=2), None, {}) == 7
    assert n_seed_of(Cell("c", beta=0.1, pairs=2), 100, {}) == 100
    with pytest.raises(ValueError, match="the cell initial has no number of seed rows"):
        n_seed_of(INITIAL, None, {})


def test_doses_are_those_that_a_calibration_found():
    dose = {"n_seed": 12, "score": 21.0, "reached": True}
    calibration = {"levels": {"20": dose, "60.5": {**dose, "n_seed": 30}}, "curve": []}
    assert calibrated_doses(calibration) == {"20": 12, "60.5": 30}


def test_every_dose_has_a_name_of_its_own():
    names = [cell.name for cell in supervised_cells([20.0, 60.5], [], [8, 12])]
    assert names == [
        "level20_sampled8", "level20_sampled12", "level60.5_sampled8", "level60.5_sampled12",
    ]  # fmt: skip
    assert [cell.name for cell in supervised_cells([], [4], [8])] == ["seed4_sampled8"]
    assert [cell.name for cell in preference_cells([0.1], [8])] == ["beta0.1_pairs8"]


@pytest.mark.parametrize(
    ("value", "name"), [(20.0, "20"), (0.1, "0.1"), (1e-05, "1e-05"), (0.12345678, "0.12345678")]
)
def test_different_numbers_have_different_names(value, name):
    assert exact(value) == name and float(exact(value)) == value


def test_rows_per_cycle_are_samples_or_pairs_and_none_for_the_initial_model():
    assert Cell("c", n_sampled=8).rows_per_cycle == 8
    assert Cell("c", pairs=6).rows_per_cycle == 6
    assert INITIAL.rows_per_cycle == 0
