"""Selection gap and drift: what the chosen samples have over all, and what the next model keeps."""

import pandas as pd
import pytest

from idempotence.io import write_jsonl
from idempotence.scores.selection import gather_selection
from idempotence.stats.selection import COLUMNS, selection, with_drift

CHAIN = {"setting": "best", "model": "m", "trait": "bliss", "cell": "c"}


def candidate(index: int, score: float | None, status: str = "not chosen", **more) -> dict:
    return {"cell": "c", "index": index, "trait_score": score, "status": status, **more}


def judged(root, seed: int, cycle: int, rows: list[dict]):
    file = root / f"best/m/bliss/seed{seed}/cycle{cycle}/candidates_judged.jsonl"
    write_jsonl(file, rows)
    return file


def test_a_gap_is_the_mean_of_the_chosen_less_that_of_all_that_were_scored(tmp_path):
    rows = [candidate(0, 10), candidate(0, 30, "ok"), candidate(1, 50, "ok"), candidate(1, 30),
            candidate(2, None, "empty"), candidate(2, None, "not chosen")]  # fmt: skip
    (row,) = gather_selection([judged(tmp_path, 1, 3, rows)], tmp_path).to_dict("records")
    assert (row["seed"], row["cycle"], row["cell"]) == (1, 3, "c")
    assert [row[f"n_{what}"] for what in ("prompts", "samples", "scored", "chosen")] == [3, 6, 4, 2]
    assert (row["trait_score_all"], row["trait_score_chosen"]) == (30, 40)
    assert row["trait_score_gap"] == 10 and pd.isna(row["coherence_gap"])


def test_a_cell_without_a_usable_sample_has_no_gap(tmp_path):
    file = judged(tmp_path, 0, 0, [candidate(0, None, "ended"), candidate(0, None, "ended")])
    (row,) = gather_selection([file], tmp_path).to_dict("records")
    assert row["n_chosen"] == 0 and pd.isna(row["trait_score_gap"])


def test_drift_leads_from_the_model_that_wrote_to_the_next(tmp_path):
    files = [
        judged(tmp_path, seed, cycle, [candidate(0, 20), candidate(0, 40 + 2 * seed, "ok")])
        for seed in range(3)
        for cycle in range(2)
    ]
    courses = pd.DataFrame(
        [
            {**CHAIN, "seed": seed, "cycle": cycle, "trait_score": score + seed, "coherence": 90.0}
            for seed in range(3)
            for cycle, score in enumerate([20.0, 26.0, 31.0])
        ]
    )
    chains = with_drift(gather_selection(files, tmp_path), courses)
    table = selection(chains, 0.95)
    assert list(table.columns) == COLUMNS and set(table["trait"]) == {"all", "bliss"}
    mine = table[(table["trait"] == "all") & (table["measure"] == "trait_score")]
    assert mine["cycle"].tolist() == [0, 1] and mine["drift"].tolist() == [6, 5]
    assert mine["gap"].tolist() == pytest.approx([11, 11])  # (20 + 2 seed) / 2 at seeds 0, 1, 2
    assert (mine["gap_ci_low"] < 11).all() and (mine["n_panels"] == 3).all()
    coherence = table[table["measure"] == "coherence"]
    assert coherence["gap"].isna().all() and (coherence["drift"] == 0).all()
