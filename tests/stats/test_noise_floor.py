"""The noise of scoring a model twice: by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest
from make_courses import courses
from scipy import stats

from idempotence.stats.noise_floor import changes, floors, scored_twice


def means(scores, coherence=90.0, setting="sft"):
    """Cycle 0 of one chain for each score, in the form of `mean_scores`."""
    table = courses(np.asarray(scores, float)[:, None, None], setting=setting)
    return table.assign(coherence=coherence)


def floor_of(first, second):
    return floors(scored_twice(means(first), means(second)), 0.95).set_index(["measure", "setting"])


def test_the_floor_is_what_two_scorings_differ_by():
    row = floor_of([10, 20, 30, 40], [13, 16, 30, 40]).loc[("trait_score", "sft")]
    square = (9 + 16) / 4
    assert row["n_models"] == 4 and row["mean_difference"] == -0.25
    assert row["sd_scoring"] == pytest.approx((square / 2) ** 0.5)
    assert row["floor"] == pytest.approx(stats.t.ppf(0.975, 4) * square**0.5)
    assert "only 4 models" in row["warnings"]


def test_settings_have_floors_of_their_own_and_one_together():
    first = pd.concat([means([10, 20]), means([50, 60, 70], setting="initial")])
    second = pd.concat([means([11, 21]), means([50, 60, 79], setting="initial")])
    table = floors(scored_twice(first, second), 0.95).set_index(["measure", "setting"])
    assert table["n_models"].tolist() == [3, 2, 5] * 2
    assert table.loc[("trait_score", "sft"), "sd_scoring"] == pytest.approx(0.5**0.5)
    assert (table.loc["coherence", "floor"] == 0).all()


def test_models_that_lack_a_score_are_left_out():
    twice = scored_twice(means([10, np.nan, 30]), means([10, 20, np.nan]))
    assert len(twice[twice["measure"] == "trait_score"]) == 1
    assert scored_twice(means([10]), means([10], setting="dpo")).empty
    assert floors(scored_twice(means([10]), means([10], setting="dpo")), 0.95).empty


def test_a_model_that_does_not_change_is_within_the_floor_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        first, second, third, fourth = (50 + rng.normal(0, 3, (12, 1)) for _ in range(4))
        noise = floor_of(first[:, 0], second[:, 0]).loc[("trait_score", "all"), "floor"]
        held.append(np.mean(np.abs(third - fourth) <= noise))
    assert 0.93 < np.mean(held) < 0.97


def test_changes_within_the_floor_are_none():
    noise = floors(scored_twice(means([10, 20, 30]), means([12, 20, 28])), 0.95)
    floor = noise.set_index(["measure", "setting"]).loc[("trait_score", "all"), "floor"]
    deltas = [floor, floor + 0.1, -floor - 0.1, np.nan]
    chains = means([0] * 4).assign(
        late_delta=deltas, coherence_first=90.0, coherence_last=[90.0, 91.0, 89.0, np.nan]
    )
    table = changes(chains, noise).set_index("measure")
    assert table.loc["trait_score", "mark"].tolist() == ["none", "rise", "fall", ""]
    # coherence did not differ at all between the scorings
    assert table.loc["coherence", "mark"].tolist() == ["none", "rise", "fall", ""]
