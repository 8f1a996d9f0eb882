"""A few replies of every setting, trait, cell and cycle, to see what scores mean."""

from typing import Any

import pandas as pd

from idempotence.errors import UserError
from idempotence.figures.labels import in_order, loop_of, setting_title
from idempotence.figures.trajectories import cell_labels
from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import DEAD, DOSES

NEEDED = [
    "setting", "model", "trait", "seed", "cell", *DOSES, "cycle", "question", "sample", "prompt",
    "response", "status", "reason", "trait_score", "coherence", "truth_trait", "truth_coherence",
]  # fmt: skip
LONGEST = 20_000  # letters of a reply or prompt that are shown
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
    Replies without a trait score are not shown, unless none has one: then all lie equally near.
    """
    scored = replies[replies["trait_score"].notna()].copy()
    if scored.empty:
        scored = replies.copy()
    scored["distance"] = (scored["trait_score"] - scored["trait_score"].median()).abs().fillna(0)
    scored = scored.sort_values(["distance", "question", "seed", "sample"])
    scored["again"] = scored.groupby("question").cumcount()
    return scored.sort_values(["again", "distance"], kind="stable").head(count)


def replies_page(scores: pd.DataFrame, count: int, loops: Loops) -> dict[str, Any]:
    """What the template `replies.html.j2` shows: a section for each setting, trait and cell.

    scores: the columns `NEEDED`; count: replies that are shown for each cell and cycle. Raises
    `UserError` when there are no replies, or count < 1.
    """
    if scores.empty:
        raise UserError("the scores have no replies")
    if count < 1:
        raise UserError(f"cannot show {count} replies of each cell; show at least 1")
    chains = [
        chain
        for setting in in_order(scores["setting"], loops)
        for chain in _chains(scores[scores["setting"] == setting], loop_of(loops, setting), count)
    ]
    return {"title": "Replies", "count": count, "chains": chains}


def _chains(scores: pd.DataFrame, loop: Loop, count: int) -> list[dict[str, Any]]:
    """The sections of one setting, in the order of traits and of the cells' doses."""
    labels = cell_labels(scores)
    many = scores["model"].nunique() > 1
    chains = []
    for (model, trait), of_subject in scores.groupby(["model", "trait"]):
        by_cell = dict(list(of_subject.groupby("cell")))
        for cell in (cell for cell in labels if cell in by_cell):
            of_cell = by_cell[cell]
            chains.append(
                {
                    "setting": setting_title(loop),
                    "trait": f"{trait} ({model})" if many else trait,
                    "cell": _own_label(of_cell, labels[cell]),
                    "cycles": [
                        _cycle(of_cell[of_cell["cycle"] == cycle], cycle, count)
                        for cycle in sorted(of_cell["cycle"].unique())
                    ],
                }
            )
    return chains


def _own_label(of_cell: pd.DataFrame, label: str) -> str:
    """A calibrated cell's label with the seed rows that its level took here."""
    rows = sorted(of_cell["n_seed"].dropna().unique())
    if of_cell["level"].isna().all() or not rows:
        return label
    return f"{label} ({' or '.join(f'{n:g}' for n in rows)} seed rows)"


def _cycle(replies: pd.DataFrame, cycle: int, count: int) -> dict[str, Any]:
    """The chosen replies of one cell at one cycle, and where they stand among all."""
    alive = replies[~replies["status"].isin(DEAD)]
    score = alive["trait_score"].dropna()
    dead = replies[replies["status"].isin(DEAD)]
    ended = dead.drop_duplicates("seed").sort_values("seed")
    return {
        "cycle": cycle,
        "n": len(alive),
        "n_missing": len(alive) - len(score),
        "median": _number(score.median()),
        "low": _number(float(score.quantile(0.25))),
        "high": _number(float(score.quantile(0.75))),
        "ended": [
            {"seed": row["seed"], "reason": row["reason"] or row["status"]}
            for _, row in ended.iterrows()
        ],
        "replies": [_reply(row) for _, row in nearest_median(alive, count).iterrows()],
    }


def _reply(row: pd.Series) -> dict[str, Any]:
    """A reply with its prompt, place and scores, as the page shows them."""
    return {
        "prompt": _cut(row["prompt"]),
        "response": _cut(row["response"]),
        "place": f"seed {row['seed']}, question {row['question']}, sample {row['sample']}",
        "scores": [(label, _number(row[name])) for name, label in _NUMBERS.items()],
    }


def _cut(text: str) -> str:
    """A text without what is beyond `LONGEST` letters."""
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]} … ({more:,} letters more)"


def _number(value: float) -> str:
    """A score as a whole number."""
    return "–" if pd.isna(value) else f"{value:.0f}"
