"""The slopes of shipped studies by R's lme4 and sandwich, where these are installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_courses import CONFIDENCE

from idempotence.scores.files import read_scores
from idempotence.scores.schema import CHAIN, PANEL
from idempotence.stats.mixed_model import mixed_model
from idempotence.stats.slopes import slopes
from idempotence.stats.trajectories import KEY

SCRIPT = Path(__file__).parents[1] / "helpers/slopes.R"
SHIPPED = Path(__file__).parents[2] / "results/shipped"
# Relative differences that are allowed. A variance is searched for, on both sides.
NEAR = {"estimate": 1e-6, "se": 1e-5, "p": 1e-4, "sd_chain": 1e-4, "sd_residual": 1e-6}
ZERO = 1e-4  # points per cycle: both sides stop near a variance of 0


def hindrance() -> str:
    """Why R cannot be asked here; "" if it can."""
    if not shutil.which("Rscript"):
        return "R is not installed (no Rscript)"
    loads = ["Rscript", "--vanilla", "-e", "library(lme4); library(sandwich)"]
    done = subprocess.run(loads, capture_output=True, text=True, check=False)
    return "R lacks lme4 or sandwich" if done.returncode else ""


@pytest.fixture(scope="module", params=["reference", "default", "ends early"])
def courses(request) -> pd.DataFrame:
    """Mean score of each chain and cycle of a shipped study; "ends early": of half of its chains
    the last cycles are taken away, by a fixed seed."""
    if reason := hindrance():
        pytest.skip(reason)
    early = request.param == "ends early"
    study = "reference" if early else request.param
    scores = read_scores(SHIPPED / study / "scores.parquet", [*KEY, "trait_score"])
    means = scores.dropna().groupby(KEY, as_index=False)["trait_score"].mean()
    if early:
        rng, last = np.random.default_rng(0), means["cycle"].max()
        chain = means.groupby(CHAIN).ngroup()
        ends = np.where(rng.random(chain.max() + 1) < 0.5, rng.integers(3, last), last)
        means = means[means["cycle"] <= ends[chain]]
    return means.reset_index(drop=True)


def in_r(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Setting, method -> what R computes."""
    given = pd.DataFrame(
        {
            "setting": table["setting"], "cycle": table["cycle"], "score": table["trait_score"],
            "panel": table.groupby(["setting", *PANEL]).ngroup(),
            "chain": table.groupby(CHAIN).ngroup(),
        }
    )  # fmt: skip
    given.to_csv(folder / "scores.csv", index=False)
    command = ["Rscript", "--vanilla", SCRIPT, folder / "scores.csv", folder / "slopes.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(folder / "slopes.csv").set_index(["setting", "method"]).sort_index()


def here(table: pd.DataFrame) -> pd.DataFrame:
    """Setting, method -> what this project computes."""
    by_cells = slopes(table, CONFIDENCE, ["trait_score"])
    by_cells = by_cells[by_cells["trait"] == "all"].assign(method="slopes")
    models = mixed_model(table, CONFIDENCE)
    both = pd.concat([models[models["method"].isin(["mixed", "ols"])], by_cells])
    return both.set_index(["setting", "method"]).sort_index()[list(NEAR)]


def test_slopes_errors_and_scatter_are_those_of_lme4_and_sandwich(courses, tmp_path):
    theirs, ours = in_r(courses, tmp_path), here(courses)
    assert list(theirs.index) == list(ours.index)
    for name, near in NEAR.items():
        zero = ZERO if name == "sd_chain" else 0
        ok = np.isclose(ours[name], theirs[name], rtol=near, atol=zero, equal_nan=True)
        apart = pd.DataFrame({"here": ours[name], "R": theirs[name]})[~ok]
        assert apart.empty, f"{name}\n{apart}"
