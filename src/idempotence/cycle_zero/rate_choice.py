"""Choosing a learning rate by a rule fixed in the config, on cycle 0 alone.

The rule for sft and sdf: the smallest rate at which the cycle-0 score of every trait reaches the
target. For dpo: the smallest rate at which two neighbouring values of beta reach it, on average
over both and over traits, and the largest two that do, as a strong pull to the reference keeps
coherence. Mean coherence must stay above its floor. Where the config asks for it, the target of a
trait is also so many points above the initial model's score. No chain's rows, prompts or later
cycles are seen.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from idempotence.io import read_sealed
from idempotence.scores.files import read_all_scores

COLUMNS = [
    "objective", "model", "learning_rate", "beta", "traits", "trait_score", "lowest_trait",
    "coherence", "target", "min_coherence", "passes", "chosen",
]  # fmt: skip
GROUP = ["objective", "model"]
Initial = tuple[str, str]  # names of a model and a trait


def choose_rates(
    files: Sequence[Path], initial: Mapping[Initial, float], above: Mapping[str, float]
) -> pd.DataFrame:
    """Apply the rule to the files that `learning_rates.write_scores` wrote, one per trait.

    initial: see `initial_scores`. above: objective -> points above the initial model's score that
    must be reached, beside the target of the file; objectives that are not there have the target
    alone. Returns a row per objective, model, rate and beta (missing but for dpo), with `COLUMNS`.
    traits: number of scores averaged. trait_score (mean), lowest_trait (of the trait with the
    lowest score), coherence (mean), target (mean), min_coherence: 0-100. `passes`: alone, or as one
    of a pair of betas. `chosen` is true for the rows of one rate of each objective and model, or
    for none where none passes.
    """
    tried = []
    for file in files:
        content = read_sealed(file)
        if content["objective"] in above:
            least = initial[content["model"], content["trait"]] + above[content["objective"]]
            content["target"] = max(content["target"], least)
        tried += [{**content, **row, "rows": None} for row in content["rows"]]
    rows = pd.DataFrame(tried).astype({"beta": "float64"})
    rows["excess"] = rows["trait_score"] - rows["target"]
    table = rows.groupby([*GROUP, "learning_rate", "beta"], as_index=False, dropna=False).agg(
        traits=("trait_score", "size"),
        trait_score=("trait_score", "mean"),
        lowest_trait=("trait_score", "min"),
        coherence=("coherence", "mean"),
        target=("target", "mean"),
        lowest_excess=("excess", "min"),
        excess=("excess", "mean"),
        min_coherence=("min_coherence", "first"),
    )
    table["passes"] = table["chosen"] = False
    for _, group in table.groupby(GROUP):
        passing = [own for _, rate in group.groupby("learning_rate") for own in _passing(rate)]
        for own in passing:
            table.loc[own, "passes"] = True
        if passing:
            rates = [table.loc[own, "learning_rate"].iloc[0] for own in passing]
            of_smallest = [
                own for own, rate in zip(passing, rates, strict=True) if rate == rates[0]
            ]
            table.loc[of_smallest[-1], "chosen"] = True
    return table[COLUMNS]


def initial_scores(files: Sequence[Path]) -> dict[Initial, float]:
    """(model, trait) -> the initial model's mean trait score.

    files: scores.parquet of initial models. Raises as `read_all_scores`.
    """
    columns = ["model", "trait", "trait_score"]
    scores = read_all_scores(files, columns)
    means = scores.groupby(["model", "trait"], as_index=False)["trait_score"].mean()
    names = zip(means["model"], means["trait"], strict=True)
    return dict(zip(names, means["trait_score"], strict=True))


def _passing(rate: pd.DataFrame) -> list[pd.Index]:
    """The rows of one rate that pass: the one without beta, or pairs of neighbouring betas."""
    rate = rate.sort_values("beta")
    size = 2 if rate["beta"].notna().any() else 1
    excess = "excess" if size == 2 else "lowest_excess"
    windows = [rate.iloc[i : i + size] for i in range(len(rate) - size + 1)]
    return [
        rows.index
        for rows in windows
        if rows[excess].mean() >= 0 and rows["coherence"].mean() >= rows["min_coherence"].iloc[0]
    ]
