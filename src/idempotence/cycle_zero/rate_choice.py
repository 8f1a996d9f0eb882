"""Choosing a learning rate by a rule fixed in the config, on cycle 0 alone.

The rule for sft and sdf: the smallest rate at which the cycle-0 score of every trait reaches the
target. For dpo: the smallest rate at which two values of beta reach it on average over traits, and
the two largest of them, as a strong pull to the reference keeps coherence. Mean coherence must
stay above its floor. No chain's rows, prompts or later cycles are seen.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from idempotence.io import read_json

COLUMNS = [
    "objective", "model", "learning_rate", "beta", "traits", "trait_score", "lowest_trait",
    "coherence", "target", "min_coherence", "passes", "chosen",
]  # fmt: skip
GROUP = ["objective", "model"]
BETAS = 2  # values of beta that a study takes


def choose_rates(files: Sequence[Path]) -> pd.DataFrame:
    """Apply the rule to the files that `learning_rates.write_scores` wrote, one per trait.

    Returns a row per objective, model, rate and beta (missing but for dpo), with `COLUMNS`. traits:
    number of scores averaged. trait_score (mean), lowest_trait (of the trait with the lowest
    score), coherence (mean), target, min_coherence: 0-100. `chosen` is true for the rows of one
    rate of each objective and model, or for none where none passes.
    """
    tried = []
    for file in files:
        content = read_json(file)
        tried += [{**content, **row, "rows": None} for row in content["rows"]]
    rows = pd.DataFrame(tried).astype({"beta": "float64"})
    table = rows.groupby([*GROUP, "learning_rate", "beta"], as_index=False, dropna=False).agg(
        traits=("trait_score", "size"),
        trait_score=("trait_score", "mean"),
        lowest_trait=("trait_score", "min"),
        coherence=("coherence", "mean"),
        target=("target", "first"),
        min_coherence=("min_coherence", "first"),
    )
    of_all = table["lowest_trait"].where(table["objective"] != "dpo", table["trait_score"])
    table["passes"] = (of_all >= table["target"]) & (table["coherence"] >= table["min_coherence"])
    table["chosen"] = False
    for _, group in table.groupby(GROUP):
        table.loc[_chosen(group), "chosen"] = True
    return table[COLUMNS]


def _chosen(group: pd.DataFrame) -> pd.Index:
    """The rows that the rule chooses for one objective and model."""
    needed = BETAS if group["beta"].notna().any() else 1
    for _, rate in group[group["passes"]].groupby("learning_rate"):
        if len(rate) >= needed:
            return rate.sort_values("beta").index[-needed:]
    return group.index[:0]
