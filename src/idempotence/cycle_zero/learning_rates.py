"""Choosing a learning rate by a rule fixed in the config, on cycle 0 alone.

The rule: the smallest rate at which the cycle-0 score, averaged over traits and cells, reaches the
target, and coherence keeps above its floor. No chain's rows, prompts or later cycles are seen.
"""

from pathlib import Path

import pandas as pd

from idempotence.cycle_zero.models import CycleZero
from idempotence.io import read_json, write_csv, write_json
from idempotence.judge.back_ends import Judge

COLUMNS = [
    "objective", "model", "learning_rate", "cells", "trait_score", "coherence", "target",
    "min_coherence", "passes", "chosen",
]  # fmt: skip


def try_learning_rates(settings: dict, model: str, judge: Judge, output: Path) -> None:
    """Measure the cycle-0 model of one trait at every rate and cell; writes a list of rows.

    settings: those of `sample` and `finetune`, with learning_rates, betas ([None] without) and
    n_seed. Returns nothing; a row has learning_rate, beta, trait_score, coherence.
    """
    models = CycleZero(settings, model, judge)
    rows = []
    for rate in settings["learning_rates"]:
        training = {**settings["training"], "learning_rate": rate}
        for beta in settings["betas"]:
            scores = models.measure(f"rate{rate:g}_beta{beta}", settings["n_seed"], training, beta)
            rows.append(
                {
                    "learning_rate": rate, "beta": beta,
                    "trait_score": scores.trait, "coherence": scores.coherence,
                }
            )  # fmt: skip
    about = {key: settings[key] for key in ("objective", "trait", "target", "min_coherence")}
    write_json(output, {**about, "model": settings["model"]["name"], "rows": rows})


def choose_learning_rates(files: list[Path], output: Path) -> pd.DataFrame:
    """Apply the rule to what was measured; writes and returns `COLUMNS`, a row for each rate.

    `chosen` is true for one rate of each objective and model, or for none where none passes.
    """
    tried = []
    for file in files:
        told = read_json(file)
        tried += [{**told, **row, "rows": None} for row in told["rows"]]
    keys = ["objective", "model", "learning_rate"]
    table = (
        pd.DataFrame(tried)
        .groupby(keys, as_index=False)
        .agg(
            cells=("trait_score", "size"),
            trait_score=("trait_score", "mean"),
            coherence=("coherence", "mean"),
            target=("target", "first"),
            min_coherence=("min_coherence", "first"),
        )
    )
    table["passes"] = (table["trait_score"] >= table["target"]) & (
        table["coherence"] >= table["min_coherence"]
    )
    smallest = table[table["passes"]].groupby(keys[:2])["learning_rate"].transform("min")
    table["chosen"] = table["passes"] & (table["learning_rate"] == smallest.reindex(table.index))
    table = table[COLUMNS]
    write_csv(table, output)
    return table
