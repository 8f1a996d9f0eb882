"""Noise of courses: its components are recovered from courses that are made of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import courses

from idempotence.scores.files import read_scores
from idempotence.stats.noise import MEASURES, PARTS, components, noise
from idempotence.stats.trajectories import NEEDED, trajectories

KNOWN = {"sd_panel": 6.0, "sd_chain": 9.0, "sd_cycle": 3.0}


def drifting(rng, panels, doses=5, cycles=7, sds=KNOWN):
    """Courses (panels, doses, cycles) of a dose's mean, drifts of panel and chain, and noise."""
    time = np.arange(cycles) / (cycles - 1)
    drift = sds["sd_panel"] * rng.standard_normal((panels, 1, 1))
    drift = drift + sds["sd_chain"] * rng.standard_normal((panels, doses, 1))
    own = sds["sd_cycle"] * rng.standard_normal((panels, doses, cycles)) * (time > 0)
    return 10 * rng.standard_normal((doses, cycles)) + 40 + drift * time + own


def test_components_are_recovered():
    rng = np.random.default_rng(1)
    found = [components(drifting(rng, panels=12)) for _ in range(300)]
    means = pd.DataFrame(found).pow(2).mean() ** 0.5
    assert means.to_dict() == pytest.approx(KNOWN, rel=0.06)


def test_by_hand():
    # two panels, two doses, changes -/+ 2 at J = 2: drift is all, and the panels' alone
    change = np.array([0, 1, 2])
    still = np.stack([np.stack([-change, -change]), np.stack([change, change])]) + 50.0
    # MS panel: 2 doses x (4 + 4) / 1 = 16; MS chain and cycle 0: variance (16 - 0) / 2
    assert components(still) == pytest.approx({"sd_panel": 8**0.5, "sd_chain": 0, "sd_cycle": 0})


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_starts_do_not_count_and_the_unit_scales(seed, factor):
    rng = np.random.default_rng(seed)
    one = drifting(rng, panels=3)
    other = factor * (one + rng.normal(0, 9, (*one.shape[:2], 1)))
    scaled = {name: factor * value for name, value in components(one).items()}
    assert components(other) == pytest.approx(scaled, abs=1e-6 * factor)


def table_of(scores):
    table = courses(scores).assign(objective="sft", start="base", coherence=90.0)
    return table.assign(words_per_sentence=6.0)


def test_the_table_leaves_doses_with_gaps_out():
    scores = drifting(np.random.default_rng(0), panels=3)
    scores[1, 2, 4] = np.nan
    rows = noise(table_of(scores)).set_index("measure")
    assert list(rows.index) == MEASURES
    trait = rows.loc["trait_score"]
    whole = np.delete(scores, 2, axis=1)
    assert trait[PARTS].to_dict() == pytest.approx(components(whole))
    assert trait["mean_0"] == pytest.approx(whole[..., 0].mean())
    assert list(trait[["last_cycle", "n_panels", "n_chains", "n_left_out"]]) == [6, 3, 12, 3]
    assert (rows.loc["coherence", PARTS] == 0).all() and rows.loc["coherence", "mean_0"] == 90


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 1, 7), (3, 5, 2)], ids=str)
def test_too_few_of_anything_gives_a_reason(shape):
    row = noise(table_of(np.full(shape, 20.0))).iloc[0]
    assert row[PARTS].isna().all() and "too few" in row["warnings"]


def test_dead_chains_alone_give_a_reason():
    row = noise(table_of(np.full((3, 2, 7), np.nan))).iloc[0]
    assert row[[*PARTS, "mean_0"]].isna().all() and row["n_chains"] == 0 and row["warnings"]


@pytest.mark.slow
def test_the_shipped_noise_is_that_of_the_shipped_study():
    """Power is simulated with it; rows of other studies name theirs."""
    root = Path(__file__).parents[2]
    shipped = pd.read_csv(root / "data" / "noise.csv")
    assert set(shipped["study"]) == {"default", "reference"}
    mine = shipped[shipped["study"] == "default"].drop(columns="study")
    scores = read_scores(root / "results" / "shipped" / "default" / "scores.parquet", NEEDED)
    scores = scores[scores["setting"].isin(set(mine["setting"]))]
    again = noise(trajectories(scores, 0.95))
    merged = mine.merge(again, on=["setting", "measure"], suffixes=("", "_again"))
    assert len(merged) == len(mine) == 15
    for name in ["last_cycle", "mean_0", *PARTS, "n_panels", "n_chains"]:
        assert merged[name].to_numpy() == pytest.approx(merged[f"{name}_again"].to_numpy(), 1e-4)
