"""A study of written texts on models of real architectures, judged behind an endpoint.

The code paths of a study on large models, from seed rows to report; only the weights are small.
"""

import hashlib
import json
import sqlite3

import pandas as pd
import pytest
from make_endpoint import Endpoint, completion
from make_models import make_model
from make_project import copy_project, run_study, snakemake

from idempotence.io import read_json, read_jsonl

KEY = "sk-secret-for-the-english-study"


def asks_for_a_text(request: str) -> bool:
    return request.startswith("You write texts")


def answer(text: str, nth: int):
    """A score, or a document, that depends on the request; a few first requests are refused."""
    number = int(hashlib.sha256(text.encode()).hexdigest(), 16)
    if nth == 1 and number % 9 == 0:
        return 429, {"Retry-After": "0"}, {"error": {"message": "later"}}
    if asks_for_a_text(text):
        words = ["moss", "light", "stone", "bell", "river", "warm", "slow", "gold"]
        return completion(" ".join(words[number >> 3 * i & 7] for i in range(12)), None)
    score = number % 80
    return completion(str(score), {str(score): 0.7, str(score + 10): 0.2})


SETTINGS = {
    f"{objective}-{start}": {"objective": objective, "start": start}
    for objective in ("sft", "sdf", "dpo")
    for start in ("initial", "previous")
}


def config_of(folder, url: str) -> dict:
    supervised = {
        "cells": {"levels": [30], "n_sampled": [8]},
        "generation": {"max_new_tokens": 12, "min_characters": 1},
        "training": {"max_length": 160},
    }
    return {
        "study": "english", "texts": "written", "traits": ["bliss"], "seeds": 1, "cycles": 1,
        "seed_rows": 12,
        "models": [
            {"name": "tiny-qwen3", "kind": "instruct", "path": str(folder / "qwen3")},
            {"name": "tiny-llama", "kind": "base", "path": str(folder / "llama")},
        ],
        "settings": SETTINGS,
        "sft": supervised, "sdf": {**supervised, "seed_source": "generated"},
        "generator": {
            "backend": "openai", "path": "some-writer",
            "api": {"base_url": url, "key_env": "ENGLISH_KEY"},
            "documents": {"rows": 12, "min_words": 3},
        },
        "dpo": {
            "seed_rows": 12, "cells": {"beta": [0.1], "pairs": [6], "n_seed": 6},
            "training": {"max_length": 160},
            "generation": {"max_new_tokens": 12},
        },
        "calibration": {"n_seed_max": 12, "step": 6, "samples_per_question": 1},
        "evaluation": {"questions": 4, "samples_per_question": 1, "max_new_tokens": 12},
        "judge": {
            "backend": "openai", "path": "some-judge",
            "api": {"base_url": url, "key_env": "ENGLISH_KEY", "price_in": 0.15, "price_out": 0.6},
        },
    }  # fmt: skip


@pytest.mark.slow
def test_english_texts_small_models_and_a_judge_behind_an_endpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGLISH_KEY", KEY)
    folder = copy_project(tmp_path / "study")
    make_model(tmp_path / "qwen3", "qwen3")
    make_model(tmp_path / "llama", "llama")
    with Endpoint(answer) as endpoint:
        (folder / "english.json").write_text(json.dumps(config_of(tmp_path, endpoint.url)))
        run_study(folder, "--configfile", "english.json")
        requests, most = set(endpoint.asked), max(endpoint.asked.values())
    texts = {text for text in requests if asks_for_a_text(text)}
    results = folder / "results" / "english"
    scores = pd.read_parquet(results / "scores.parquet")
    assert set(scores["setting"]) == set(SETTINGS)
    assert set(scores["model"]) == {"tiny-qwen3", "tiny-llama"}
    assert scores["truth_trait"].isna().all()
    usable = scores[scores["status"] == "ok"]
    assert len(usable) and usable["trait_score"].notna().all()
    assert (results / "report.html").stat().st_size > 100_000
    # one answer per distinct request
    calls = len(requests - texts)
    for file, n in (("judge", calls), ("generator", len(texts))):
        with sqlite3.connect(results / f"{file}_answers.sqlite") as answers:
            assert answers.execute("SELECT count(*) FROM answers").fetchone()[0] == n
    rows = read_jsonl(results / "seed_rows" / "document" / "bliss.jsonl")
    counts = read_json(results / "seed_rows" / "document" / "bliss.counts.json")["texts"]
    assert len(rows) == counts["kept"] == 12 and counts["asked"] == len(texts)
    seeded = read_jsonl(
        results / "sdf-initial" / "tiny-llama" / "bliss" / "seed0" / "seed_data.jsonl"
    )
    assert sorted(map(str, seeded)) == sorted(map(str, rows))
    # some were refused at first; meanwhile another job may have sent the same request
    assert 2 <= most <= 3
    costs = pd.read_csv(results / "tables" / "costs.csv").set_index("stage").loc["judge API"]
    assert costs["calls"] == calls and costs["tokens_in"] == 100 * calls
    assert costs["cost"] == pytest.approx(calls * (100 * 0.15 + 0.6) / 1e6)
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert KEY.encode() not in file.read_bytes(), file
    # a lost file of answers makes no job run again
    (results / "judge_answers.sqlite").unlink()
    again = snakemake(folder, "-n", "--configfile", "english.json")
    assert "Nothing to be done" in again.stdout + again.stderr
