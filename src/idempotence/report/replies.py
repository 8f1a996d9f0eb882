"""A few replies of each trait and cell at some cycles, so that people see what scores mean."""

from collections.abc import Sequence

import pandas as pd

from idempotence.errors import UserError
from idempotence.figures.labels import setting_title
from idempotence.figures.trajectories import cell_labels
from idempotence.stats.scores import DEAD, DOSES

NEEDED = [
    "setting", "model", "trait", "seed", "cell", *DOSES, "cycle", "question", "sample", "prompt",
    "response", "status", "reason", "trait_score", "coherence", "truth_trait", "truth_coherence",
]  # fmt: skip
LAST = "last"
_NUMBERS = {
    "trait_score": "trait",
    "coherence": "coherence",
    "truth_trait": "true trait",
    "truth_coherence": "true coherence",
}


def nearest_median(replies: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` replies whose trait score lies nearest the median of all of them.

    No reply is chosen by its text: replies are ordered by distance from the median, then by
    question, seed and sample; the first of each question comes before a second one of any.
    Replies without a trait score are not shown.
    """
    scored = replies[replies["trait_score"].notna()].copy()
    scored["distance"] = (scored["trait_score"] - scored["trait_score"].median()).abs()
    scored = scored.sort_values(["distance", "question", "seed", "sample"])
    scored["again"] = scored.groupby("question").cumcount()
    return scored.sort_values(["again", "distance"], kind="stable").head(count)


def wanted_cycles(cycles: Sequence[int | str] | None, last: int) -> list[int]:
    """The cycles to show, in order and once each; "last" is the study's last.

    None: 0, 3 and the last, as far as the study goes. Raises `UserError` for a cycle that the study does not have.
    """
    if cycles is None:
        cycles = [0, min(3, last), last]
    numbers = [last if cycle == LAST else int(cycle) for cycle in cycles]
    beyond = [number for number in numbers if not 0 <= number <= last]
    if beyond:
        raise UserError(f"cycle {beyond[0]} was asked for; the study has cycles 0 to {last}")
    return sorted(set(numbers))


def replies_page(
    scores: pd.DataFrame, setting: str, cycles: Sequence[int | str] | None, count: int
) -> dict:
    """What the template `replies.html.j2` shows of one setting.

    scores: the columns `NEEDED`. Raises `UserError` when there are no replies of the setting, a
    cycle is not there, or count < 1.
    """
    scores = scores[scores["setting"] == setting]
    if scores.empty:
        raise UserError(f"the scores have no setting '{setting}'")
    if count < 1:
        raise UserError(f"{count} replies were asked for; show at least 1")
    shown = wanted_cycles(cycles, int(scores["cycle"].max()))
    labels = cell_labels(scores)
    many = scores["model"].nunique() > 1
    subjects = []
    for (model, trait), of_subject in scores.groupby(["model", "trait"]):
        title = f"{trait} ({model})" if many else trait
        found = set(of_subject["cell"])
        cells = [
            {
                "label": _own_label(of_subject[of_subject["cell"] == cell], label),
                "cycles": [
                    _cycle(of_subject[of_subject["cell"] == cell], cycle, count) for cycle in shown
                ],
            }
            for cell, label in labels.items()
            if cell in found
        ]
        subjects.append({"title": title, "anchor": f"{model}-{trait}", "cells": cells})
    return {
        "title": f"Replies: {setting_title(setting)}",
        "count": count,
        "cycles": shown,
        "subjects": subjects,
    }


def _own_label(of_cell: pd.DataFrame, label: str) -> str:
    """A calibrated cell's label with the seed rows that its level took here."""
    rows = sorted(of_cell["n_seed"].dropna().unique())
    if of_cell["level"].isna().all() or not rows:
        return label
    return f"{label} ({' or '.join(f'{n:g}' for n in rows)} seed rows)"


def _cycle(of_cell: pd.DataFrame, cycle: int, count: int) -> dict:
    """The chosen replies of one cell at one cycle, and where they stand among all."""
    replies = of_cell[of_cell["cycle"] == cycle]
    alive = replies[~replies["status"].isin(DEAD)]
    score = alive["trait_score"].dropna()
    dead = replies[replies["status"].isin(DEAD)]
    ended = dead.drop_duplicates("seed").sort_values("seed")
    return {
        "cycle": cycle,
        "n": len(alive),
        "n_missing": len(alive) - len(score),
        "median": _number(score.median()),
        "low": _number(score.quantile(0.25)),
        "high": _number(score.quantile(0.75)),
        "ended": [
            {"seed": row["seed"], "reason": row["reason"] or row["status"]}
            for _, row in ended.iterrows()
        ],
        "replies": [_reply(row) for _, row in nearest_median(alive, count).iterrows()],
    }


def _reply(row: pd.Series) -> dict:
    return {
        "prompt": row["prompt"],
        "response": row["response"],
        "place": f"seed {row['seed']}, question {row['question']}, sample {row['sample']}",
        "scores": [(label, _number(row[name])) for name, label in _NUMBERS.items()],
    }


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.0f}"
