"""A reply to each question of every chain and cycle, to see what scores mean."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pandas as pd

from idempotence.errors import UserError
from idempotence.figures.labels import in_order, loop_of, setting_title
from idempotence.figures.trajectories import cell_labels
from idempotence.jobs.parts import Loops
from idempotence.report.pages import LARGEST, render
from idempotence.scores.schema import CHAIN, DEAD, DOSES

NEEDED = [
    *CHAIN, *DOSES, "cycle", "question", "sample", "prompt", "response", "status", "reason",
    "trait_score", "coherence", "truth_trait", "truth_coherence",
]  # fmt: skip
LONGEST = 20_000  # letters of a reply or prompt that are shown
SHORTEST = 300  # letters that are shown of each, however large the page
_NUMBERS = {
    "trait_score": "trait",
    "coherence": "coherence",
    "truth_trait": "true trait",
    "truth_coherence": "true coherence",
}


def replies_html(scores: pd.DataFrame, loops: Loops) -> str:
    """The page of replies, with fewer questions and then shorter texts where it grows too large.

    scores: the columns `NEEDED`. Raises `UserError` when there are no replies.
    """
    if scores.empty:
        raise UserError("the scores have no replies")
    questions, letters = int(scores["question"].nunique()), LONGEST
    while True:
        html = render("replies.html.j2", **replies_page(scores, loops, questions, letters))
        if len(html.encode()) <= LARGEST or letters <= SHORTEST:
            return html
        if questions > 1:
            questions //= 2
        else:
            letters = max(letters // 4, SHORTEST)


def replies_page(
    scores: pd.DataFrame, loops: Loops, questions: int, letters: int = LONGEST
) -> dict[str, Any]:
    """What the template `replies.html.j2` shows: `replies_data`, packed, and what was left out.

    questions: how many are shown, the first ones; letters: of a reply or prompt, at most.
    """
    first = sorted(scores["question"].unique())[:questions]
    data = replies_data(scores, loops, first, letters)
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return {
        "title": "Replies",
        "n_questions": len(first),
        "n_all": int(scores["question"].nunique()),
        "letters": letters,
        "data": base64.b64encode(gzip.compress(plain.encode(), mtime=0)).decode("ascii"),
    }


def replies_data(
    scores: pd.DataFrame, loops: Loops, questions: list[int], letters: int
) -> dict[str, Any]:
    """prompts: texts, each once; chains: setting, trait, dose, seed, rows and cycles of each.

    A cycle has the reply to each question that `typical` chooses, and what all replies of the chain
    at that cycle score: their number, median, quartiles, and how many have each whole number.
    """
    alive = scores[~scores["status"].isin(DEAD)]
    chosen = typical(alive[alive["question"].isin(questions)])
    prompts = {text: place for place, text in enumerate(dict.fromkeys(chosen["prompt"]))}
    numbers = {name: label for name, label in _NUMBERS.items() if _shown(scores, name)}
    replies = {key: _replies(rows, prompts, letters, numbers) for key, rows in _by_cycle(chosen)}
    spread = {key: _spread(rows["trait_score"]) for key, rows in _by_cycle(alive)}
    ends = scores[scores["status"].isin(DEAD)].drop_duplicates([*CHAIN, "cycle"])
    ended = {
        tuple(row[name] for name in [*CHAIN, "cycle"]): row["reason"] or row["status"]
        for _, row in ends.iterrows()
    }
    cycles = scores.groupby(CHAIN)["cycle"].unique()
    chains = [
        {
            **chain,
            "cycles": [
                {
                    "cycle": int(cycle),
                    "ended": ended.get((*key, cycle), ""),
                    **spread.get((*key, cycle), _spread(pd.Series(dtype=float))),
                    "replies": replies.get((*key, cycle), []),
                }
                for cycle in sorted(cycles[key])
            ],
        }
        for key, chain in _chains(scores, loops)
    ]
    return {"prompts": [_cut(text, letters) for text in prompts], "chains": chains}


def typical(replies: pd.DataFrame) -> pd.DataFrame:
    """Of each question of a chain at a cycle the reply that scores nearest the median of them.

    No reply is chosen by its text: among equally near ones the lower sample is taken, and one
    without a trait score only where none has any.
    """
    keys = [*CHAIN, "cycle", "question"]
    median = replies.groupby(keys)["trait_score"].transform("median")
    distance = (replies["trait_score"] - median).abs().fillna(np.inf)
    ordered = replies.assign(distance=distance).sort_values([*keys, "distance", "sample"])
    return ordered.drop_duplicates(keys).drop(columns="distance")


def _by_cycle(rows: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """((chain, cycle), its rows)."""
    return list(rows.groupby([*CHAIN, "cycle"]))


def _chains(scores: pd.DataFrame, loops: Loops) -> list[tuple[Any, dict[str, Any]]]:
    """(key, names) of each chain, by setting, model, trait, dose and seed."""
    named = []
    for setting in in_order(scores["setting"], loops):
        of_setting = scores[scores["setting"] == setting]
        labels = cell_labels(of_setting)
        many = of_setting["model"].nunique() > 1
        title, places = setting_title(loop_of(loops, setting)), list(labels)
        heads = of_setting.drop_duplicates(CHAIN).to_dict("records")
        heads.sort(key=lambda c: (c["model"], c["trait"], places.index(c["cell"]), c["seed"]))
        named += [
            (
                tuple(head[name] for name in CHAIN),
                {
                    "setting": title,
                    "trait": f"{head['trait']} ({head['model']})" if many else head["trait"],
                    "dose": labels[head["cell"]],
                    "seed": str(head["seed"]),
                    "rows": _rows(head["n_seed"], labels[head["cell"]]),
                },
            )
            for head in heads
        ]
    return named


def _rows(n_seed: float, dose: str) -> str:
    """The number of seed rows in words; empty where there is none or the dose gives it."""
    text = "" if pd.isna(n_seed) else f"{n_seed:g} seed rows"
    return "" if text in dose else text


def _spread(scores: pd.Series) -> dict[str, Any]:
    """n replies, those without a score, median, quartiles; counts: (score, replies) pairs."""
    known = scores.dropna()
    low, median, high = (_whole(float(known.quantile(share))) for share in (0.25, 0.5, 0.75))
    counts = known.map(_whole).value_counts().sort_index()
    return {
        "n": len(scores),
        "missing": len(scores) - len(known),
        "low": low,
        "median": median,
        "high": high,
        "counts": [list(pair) for pair in zip(counts.index.tolist(), counts.tolist(), strict=True)],
    }


def _shown(scores: pd.DataFrame, name: str) -> bool:
    """Whether a score is shown: the judge's always, exact ones where they are known."""
    return not name.startswith("truth_") or bool(scores[name].notna().any())


def _replies(
    rows: pd.DataFrame, prompts: dict[str, int], letters: int, numbers: dict[str, str]
) -> list[dict[str, Any]]:
    """Replies with their prompts' places, their own places and scores.

    numbers: column -> label of the scores that are shown.
    """
    return [
        {
            "question": int(row["question"]),
            "sample": int(row["sample"]),
            "prompt": prompts[row["prompt"]],
            "text": _cut(row["response"], letters),
            "scores": {label: _whole(row[name]) for name, label in numbers.items()},
        }
        for row in rows.to_dict("records")
    ]


def _cut(text: str, letters: int) -> str:
    """A text without what is beyond so many letters."""
    more = len(text) - letters
    return text if more <= 0 else f"{text[:letters]} … ({more:,} letters more)"


def _whole(value: float) -> int | None:
    """A score as a whole number; None for none."""
    return None if pd.isna(value) else round(value)
