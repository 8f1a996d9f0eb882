"""Choosing a learning rate by a rule fixed in the config, on cycle 0 alone.

The rule: the smallest rate at which the cycle-0 score, averaged over traits and cells, reaches the
target, and coherence stays above its floor. No chain's rows, prompts or later cycles are seen.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from idempotence.io import read_json

COLUMNS = [
    "objective", "model", "learning_rate", "cells", "trait_score", "coherence", "target",
    "min_coherence", "passes", "chosen",
]  # fmt: skip


def choose_rates(files: Sequence[Path]) -> pd.DataFrame:
    """Apply the rule to the files that `learning_rates.write_scores` wrote, one per trait.

    Returns a row per objective, model and rate, with `COLUMNS`. cells: number of
    scores averaged. trait_score, coherence, target, min_coherence: 0-100. `chosen` is true for
    one rate of each objective and model, or for none where none passes.
    """
    tried = []
    for file in files:
        content = read_json(file)
        tried += [{**content, **row, "rows": None} for row in content["rows"]]
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
    return table[COLUMNS]
