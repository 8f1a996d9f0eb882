"""The instrument's quality as tables beside the bars it has to reach."""

from typing import Any

import pandas as pd


def models_table(quality: dict[str, Any], initial: pd.DataFrame) -> pd.DataFrame:
    """Exact scores of the initial models, at the building of the world and in this study.

    One row for each model and measurement: n responses, truth-coherence and the highest trait, with
    the bars and whether they are reached. The study's rows are on its own evaluation prompts, with
    each trait measured on that trait's prompts.
    """
    bars = quality["bars"]
    rows = [
        {
            "measured": "when built",
            "model": row["model"],
            "n": row["n"],
            "coherence": row["coherence"],
            "highest_trait": max(row["traits"], key=row["traits"].get),
            "highest_trait_score": max(row["traits"].values()),
        }
        for row in quality["initial"]
    ]
    for model, responses in initial.groupby("model"):
        traits = responses.groupby("trait")["truth_trait"].mean()
        rows.append(
            {
                "measured": "in this study",
                "model": model,
                "n": len(responses),
                "coherence": responses["truth_coherence"].mean(),
                "highest_trait": traits.idxmax() if traits.notna().any() else "",
                "highest_trait_score": traits.max(),
            }
        )
    table = pd.DataFrame(rows)
    table["coherence_bar"] = bars["initial coherence at least"]
    table["trait_bar"] = bars["initial trait at most"]
    table["reached"] = (table["coherence"] >= table["coherence_bar"]) & (
        table["highest_trait_score"] <= table["trait_bar"]
    )
    return table


def judge_table(quality: dict[str, Any]) -> pd.DataFrame:
    """Agreement of the judge with the truth on held-out texts, one row for each kind of text.

    The bars hold for the first row, all texts together. Where no rank correlation is known, they
    are not reached.
    """
    table = pd.DataFrame(quality["judge"])
    bars, criteria = quality["bars"], ("trait", "coherence")
    ranks = [f"{name}_spearman" for name in criteria]
    table[ranks] = table[ranks].astype(float)  # null where a judge gives no two different scores
    overall = table.iloc[0]
    reached = all(
        overall[f"{name}_spearman"] >= bars[f"{name} spearman at least"]
        and overall[f"{name}_error"] <= bars[f"{name} error at most"]
        for name in criteria
    )
    of_kinds: list[bool | None] = [None] * (len(table) - 1)
    table["reached"] = pd.array([bool(reached), *of_kinds], dtype="boolean")
    return table
