"""Tables of trajectories with known courses, for tests of regressions."""

import numpy as np
import pandas as pd
from make_scores import CYCLES

CONFIDENCE = 0.95


SIZES = [3, 5, 10]  # panels


def courses(scores, se=0.0, setting="sft", trait="bliss"):
    """A trajectories table of scores (panels, cells, cycles) with these standard errors."""
    scores = np.asarray(scores, float)
    seed, cell, cycle = np.indices(scores.shape).reshape(3, -1)
    table = pd.DataFrame({"seed": seed, "cell": [f"c{k}" for k in cell], "cycle": cycle})
    return table.assign(
        setting=setting, model="m", trait=trait, trait_score=scores.ravel(), trait_score_se=se
    )  # fmt: skip


def relaxing(start, inf, rate, cycles=CYCLES):
    """Noiseless courses (..., cycles) of s_j = inf + (start - inf) rate^j."""
    return inf + (np.asarray(start, float)[..., None] - inf) * rate ** np.arange(cycles)


def noisy(n_panels, seed=0, slope=-1.0, cells=2, cycles=CYCLES, sd_panel=0.4, sd_chain=0.4):
    """Scores of lines (panels, cells, cycles) whose slopes scatter by panel and by chain."""
    rng = np.random.default_rng(seed)
    slopes = slope + rng.normal(0, sd_panel, (n_panels, 1, 1))
    slopes = slopes + rng.normal(0, sd_chain, (n_panels, cells, 1))
    starts = 50 + rng.normal(0, 5, (n_panels, cells, 1))
    return starts + slopes * np.arange(cycles) + rng.normal(0, 2, (n_panels, cells, cycles))


def share_covered(rows, truth):
    return float(((rows["ci_low"] < truth) & (truth < rows["ci_high"])).mean())
