"""Best-of-n SFT, whole: from one cycle 0 with plain SFT, to its table of gaps and drifts."""

import pandas as pd
import pytest
from make_project import commands_in, copy_project, digest, planned, run_study, snakemake

from idempotence.io import read_json, read_jsonl

CONFIG = ("--configfile", "best.yaml")
STUDY = """study: best
settings:
  sft: {objective: sft, start: initial}
  best: {objective: best_of_n, start: initial}
  best-coherent:
    {objective: best_of_n, start: previous, min_coherence: 50, seed_share: 0.25,
     selection: {candidates: 3, by: [trait, coherence]}}
traits: [bliss]
seeds: 1
cycles: 2
seed_rows: 40
sft: {cells: {n_seed: [40], n_sampled: [8]}}
evaluation: {questions: 4, samples_per_question: 2}
"""
CELL, PANEL = "seed40_sampled8", "micro-instruct/bliss/seed0"


@pytest.mark.slow
def test_the_best_samples_are_trained_on_and_what_that_did_is_told(tmp_path):
    folder = copy_project(tmp_path)
    (folder / "best.yaml").write_text(STUDY)
    plan = planned(folder, *CONFIG)
    # plain SFT and both others begin from one cycle 0; the last cycle has no candidates
    assert plan["copy_first_cycle_best"] == plan["copy_first_cycle_best_coherent"] == 1
    assert plan["sample_candidates"] == plan["judge_candidates"] == 2 * 2
    commands = commands_in(snakemake(folder, "-n", "-p", "loop", *CONFIG).stdout)
    command = commands["finetune", "best.micro-instruct.bliss.0.2"]
    assert "cycle1/candidates_judged.jsonl" in command and "generated.jsonl" not in command

    run_study(folder, "loop", "results/best/tables/selection.csv", *CONFIG)
    results = folder / "results/best"
    again = snakemake(folder, "-n", "loop", *CONFIG)
    assert "Nothing to be done" in again.stdout + again.stderr
    for name in (f"adapters/{CELL}/adapter_model.safetensors", "generated.jsonl"):
        plain, best = (results / s / PANEL / "cycle0" / name for s in ("sft", "best"))
        assert digest(plain) == digest(best)
    for setting, n in {"best": 4, "best-coherent": 3}.items():
        for cycle in range(2):
            _check_cycle(results / setting / PANEL, cycle, n)
    table = pd.read_parquet(results / "tables/selection.parquet")
    assert set(table["setting"]) == {"best", "best-coherent"}
    best = table[(table["setting"] == "best") & (table["trait"] == "all")].set_index("measure")
    assert (best.loc["trait_score", "gap"] > 0).all()  # of several samples that are not all alike
    assert best.loc["coherence", "gap"].isna().all() and best["drift"].notna().all()
    courses = pd.read_parquet(results / "trajectories.parquet")
    score = courses[courses["setting"] == "best"].set_index("cycle")["trait_score"]
    assert best.loc["trait_score", "drift"].tolist() == pytest.approx(
        [score[1] - score[0], score[2] - score[1]]
    )


def _check_cycle(loop, cycle: int, n: int) -> None:
    """The candidates of a cycle, and what the next one trained on."""
    first = read_jsonl(loop / f"cycle{cycle}/generated.jsonl")
    judged = read_jsonl(loop / f"cycle{cycle}/candidates_judged.jsonl")
    assert len(judged) == n * len(first) == n * 8
    assert [row["response"] for row in judged[::n]] == [row["response"] for row in first]
    assert all(row["reason"] for row in judged if row["status"] != "ok")
    best = [row for row in judged if row["status"] == "ok"]
    assert len({row["index"] for row in best}) == len(best)
    for row in best:
        rivals = [r for r in judged if r["index"] == row["index"] and r["trait_score"] is not None]
        if "coherence" not in row:
            assert row["trait_score"] == max(r["trait_score"] for r in rivals)
    training = read_json(loop / f"cycle{cycle + 1}/adapters" / CELL / "training.json")
    assert training["rows"] + training["dropped"] == 8
