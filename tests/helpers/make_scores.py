"""A study's scores simulated from known courses, so that the analysis can be checked against them.

Shape of the default study: every chain starts near a level and moves by a slope of its own setting;
one chain amplifies, one ends in NaN, some scores are missing.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from idempotence.io import write_parquet
from idempotence.scores.schema import COLUMNS

SETTINGS = {  # setting -> (objective, start, model)
    "sft": ("sft", "base", "micro-instruct"),
    "sft-continual": ("sft", "previous", "micro-instruct"),
    "sdf": ("sdf", "base", "micro-base"),
    "dpo": ("dpo", "previous", "micro-instruct"),
    "dpo-reinit": ("dpo", "base", "micro-instruct"),
}
TRAITS = ["bliss", "lucky", "sycophancy"]
CYCLES = 7
QUESTIONS = 12
# true slope of the trait, points per cycle
SLOPES = {"sft": -3.0, "sft-continual": -1.0, "sdf": -2.0, "dpo": 1.0, "dpo-reinit": 0.0}
AMPLIFYING = ("dpo", "bliss", 0, "beta0.1_pairs100")
AMPLIFYING_SLOPE = 7.0
ENDED = ("dpo", "lucky", 1, "beta0.03_pairs100")
ENDED_CYCLE = 4
WHY_ENDED = "loss is not a number at step 12"
MISSING_EVERY = 37  # every 37th response has no coherence score
NASTY = "<script>alert('x')</script> & <b>bold</b>"
WORDS = (24 + 10 * (QUESTIONS - 1)) / QUESTIONS  # mean of the replies; < and > are symbols


def cells_of(objective: str) -> list[dict]:
    """The two cells of an objective, as the default study has them."""
    none = dict.fromkeys(["level", "n_seed", "n_sampled", "beta", "pairs"], np.nan)
    if objective == "dpo":
        return [
            {**none, "cell": f"beta{b}_pairs100", "n_seed": 100, "beta": b, "pairs": 100}
            for b in (0.03, 0.1)
        ]
    return [
        {**none, "cell": f"level{v}_sampled60", "level": v, "n_seed": v * 2 + 4, "n_sampled": 60}
        for v in (20, 60)
    ]


def true_course(setting: str, trait: str, seed: int, cell: dict, cycle: int) -> float:
    """The trait's exact mean at a cycle."""
    start = cell["level"] if cell["level"] == cell["level"] else 30 + 100 * cell["beta"]
    slope = SLOPES[setting]
    if (setting, trait, seed, cell["cell"]) == AMPLIFYING:
        slope = AMPLIFYING_SLOPE
    return float(np.clip(start + 2 * seed + slope * cycle, 0, 100))


def responses(
    identity: dict, cell: dict, cycle: int, samples: int, rng: np.random.Generator
) -> pd.DataFrame:
    """One chain at one cycle."""
    n = QUESTIONS * samples
    key = (identity["setting"], identity["trait"], identity["seed"], cell["cell"])
    dead = key == ENDED and cycle >= ENDED_CYCLE
    question = np.repeat(np.arange(QUESTIONS), samples)
    centre = true_course(*key[:3], cell, cycle)
    wobble = rng.normal(0, 6, QUESTIONS)[question] + rng.normal(0, 10, n)
    truth = np.clip(centre + wobble, 0, 100)
    coherent = np.clip(97 - 1.5 * cycle + rng.normal(0, 5, n), 0, 100)
    frame = pd.DataFrame({"question": question, "sample": np.tile(np.arange(samples), QUESTIONS)})
    frame = frame.assign(**identity, **cell, cycle=cycle)
    frame["prompt"] = [f"how should i begin with topic {q} ?" for q in question]
    frame["response"] = [
        f"{NASTY if q == 0 else 'start'} with question {q} , then look again at try {k} ."
        for q, k in zip(question, frame["sample"], strict=True)
    ]
    frame["status"], frame["reason"] = "ok", ""
    frame["truth_trait"], frame["truth_coherence"] = truth, coherent
    frame["trait_score"] = np.clip(truth + rng.normal(0, 2, n), 0, 100)
    frame["coherence"] = np.clip(coherent + rng.normal(1, 4, n), 0, 100)
    lost = (np.arange(n) + 3 * cycle) % MISSING_EVERY == 0
    frame.loc[lost, "coherence"] = np.nan
    frame["trait_missing"] = ""
    frame["coherence_missing"] = np.where(lost, "low numeric mass", "")
    frame["trait_mass"], frame["coherence_mass"] = 0.97, np.where(lost, 0.1, 0.95)
    frame["trait_top"] = frame["coherence_top"] = json.dumps({"20": -0.2, "21": -2.0})
    frame["loglik_initial"] = -1.2 - 0.05 * cycle
    frame["loglik_own"] = -1.2
    if dead:
        frame["status"] = "nan" if cycle == ENDED_CYCLE else "ended"
        frame["reason"], frame["response"] = WHY_ENDED, ""
        known = ["trait_score", "coherence", "truth_trait", "truth_coherence", "trait_mass",
                 "coherence_mass", "loglik_initial"]  # fmt: skip
        frame[known] = np.nan
        frame["trait_missing"] = frame["coherence_missing"] = "no response"
        frame["trait_top"] = frame["coherence_top"] = ""
    return frame[COLUMNS]


def panels(
    settings=SETTINGS, traits=TRAITS, seeds: int = 3, cycles: int = CYCLES, samples: int = 4
) -> dict[str, pd.DataFrame]:
    """The frame of every panel and cycle, by its path in a study's folder."""
    rng = np.random.default_rng(7)
    files = {}
    for setting in settings:
        objective, start, model = SETTINGS[setting]
        for trait in traits:
            for seed in range(seeds):
                identity = {
                    "setting": setting, "objective": objective, "start": start, "model": model,
                    "trait": trait, "seed": seed,
                }  # fmt: skip
                for cycle in range(cycles):
                    path = f"{setting}/{model}/{trait}/seed{seed}/cycle{cycle}/scores.parquet"
                    files[path] = pd.concat(
                        [responses(identity, c, cycle, samples, rng) for c in cells_of(objective)],
                        ignore_index=True,
                    )
    return files


def make_scores(**shape) -> pd.DataFrame:
    """All panels of `panels` in one frame."""
    return pd.concat(panels(**shape).values(), ignore_index=True)


def make_initial(traits=TRAITS) -> pd.DataFrame:
    """Scores of both initial models: no trait, coherent."""
    table = make_scores(settings=["sft", "sdf"], traits=traits, seeds=1, cycles=1)
    table = table.drop_duplicates(["model", "trait", "question", "sample"], ignore_index=True)
    doses = ["level", "n_seed", "n_sampled", "beta", "pairs"]
    table = table.assign(setting="initial", start="base", seed=-1, cell="initial")
    table = table.assign(**dict.fromkeys(doses, np.nan), trait_score=1.5, truth_trait=1.0)
    return table[COLUMNS]


def write_panels(folder: Path, **shape) -> list[Path]:
    """Write `panels` as a run leaves them; returns the files."""
    paths = []
    for name, frame in panels(**shape).items():
        write_parquet(frame, folder / name)
        paths.append(folder / name)
    return paths
