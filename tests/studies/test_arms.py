"""Loops with restarts, two-back rejections, seed rows and a coherence filter, whole."""

import re

import pytest
from test_workflow import copy_project, digest, planned, snakemake

from idempotence.io import read_json, read_jsonl

STUDY = """
study: %s
settings: [sft-continual, dpo]
traits: [bliss]
seeds: 1
cycles: 2
seed_rows: 16
sft: {cells: {levels: [], n_seed: [12], n_sampled: [8]}}
dpo: {cells: {beta: [0.1], pairs: [8], n_seed: 8}}
evaluation: {questions: 2, samples_per_question: 1}
"""
ON = """per_setting:
  sft-continual: {restart_at: [2], seed_share: 0.25, min_coherence: 90}
  dpo: {restart_at: [2], rejected_from: two_back, seed_share: 0.25, min_coherence: 10}
"""
CELLS = {"sft-continual": "seed12_sampled8", "dpo": "beta0.1_pairs8"}


def commands(told: str) -> dict[tuple[str, str, int], str]:
    """(script, setting, cycle) -> the command of a printed plan."""
    found = {}
    for line in told.splitlines():
        log = re.search(r"> results/\w+/logs/(\w+)/([\w-]+)\.micro-\w+\.bliss\.0\.(\d)\.log", line)
        if log:
            found[log[1], log[2], int(log[3])] = line
    return found


@pytest.mark.slow
def test_a_study_with_all_arms_runs_and_its_seeded_models_are_the_bases(tmp_path):
    folder = copy_project(tmp_path)
    (folder / "armed.yaml").write_text(STUDY % "armed" + ON)
    (folder / "plain.yaml").write_text(STUDY % "plain")
    assert "judge_generated" not in planned(folder, "--configfile", "plain.yaml")
    told = commands(snakemake(folder, "-n", "-p", "loop", "--configfile", "armed.yaml").stdout)
    for setting in CELLS:
        assert "cycle0/adapters" in told["finetune", setting, 1].split("--previous ")[1]
        assert "--previous" not in told["finetune", setting, 2]
        assert "cycle1/generated_judged.jsonl" in told["finetune", setting, 2]
    assert "--before" not in told["sample", "dpo", 0] + told["sample", "sft-continual", 1]
    assert "cycle0/adapters" in told["sample", "dpo", 1].split("--before ")[1]

    done = snakemake(folder, "--cores", "2", "loop", "--configfile", "armed.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    again = snakemake(folder, "-n", "loop", "--configfile", "armed.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr
    panel = "micro-instruct/bliss/seed0"
    for setting, cell in CELLS.items():
        loop = folder / "results/armed" / setting / panel
        for cycle in (1, 2):
            as_sampled, judged = (
                read_jsonl(loop / f"cycle{cycle - 1}" / f"{name}.jsonl")
                for name in ("generated", "generated_judged")
            )
            assert [row["response"] for row in judged] == [row["response"] for row in as_sampled]
            assert all(row["reason"] for row in judged if row["status"] == "incoherent")
            training = read_json(loop / f"cycle{cycle}/adapters" / cell / "training.json")
            if training["status"] == "ended":
                continue
            unusable = [row["status"] != "ok" for row in judged[:6]]
            assert training["dropped"] == sum(unusable) and training["rows"] == 8 - sum(unusable)
    assert all(row["rejected"] for row in judged)

    seeded = f"dpo/{panel}/cycle0/adapters/{CELLS['dpo']}/adapter_model.safetensors"
    base = f"results/plain/{seeded}"
    done = snakemake(folder, "--cores", "2", base, "--configfile", "plain.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert digest(folder / base) == digest(folder / "results/armed" / seeded)
