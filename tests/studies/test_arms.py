"""Loops with restarts, two-back rejections, seed rows, growing data, a coherence filter, whole."""

import pytest
from make_project import commands_in, copy_project, digest, planned, run_study, snakemake

from idempotence.io import read_json, read_jsonl

STUDY = """
study: %s
traits: [bliss]
seeds: 1
cycles: 2
seed_rows: 16
sft: {cells: {n_seed: [12], n_sampled: [8]}}
dpo: {cells: {beta: [0.1], pairs: [8], n_seed: 8}}
evaluation: {questions: 2, samples_per_question: 1}
"""
PLAIN = """settings:
  sft-continual: {objective: sft, start: previous}
  dpo: {objective: dpo, start: previous}
"""
CHANGED = """settings:
  sft-continual:
    {objective: sft, start: previous, restart_at: [2], seed_share: 0.25, min_coherence: 90}
  dpo:
    {objective: dpo, start: previous, restart_at: [2], rejected_from: two_back, seed_share: 0.25,
     min_coherence: 10}
  sft-growing: {objective: sft, start: initial, accumulate: true}
  sft-anchored: {objective: sft, start: initial, initial_share: 0.25, seed_share: 0.25}
  dpo-anchored: {objective: dpo, start: previous, initial_share: 0.5}
"""
CELLS = {"sft-continual": "seed12_sampled8", "dpo": "beta0.1_pairs8"}


@pytest.mark.slow
def test_a_study_of_changed_loops_runs_and_its_seeded_models_are_those_of_plain_loops(tmp_path):
    folder = copy_project(tmp_path)
    (folder / "changed.yaml").write_text(STUDY % "changed" + CHANGED)
    (folder / "plain.yaml").write_text(STUDY % "plain" + PLAIN)
    assert "judge_generated" not in planned(folder, "--configfile", "plain.yaml")
    dry = snakemake(folder, "-n", "-p", "loop", "--configfile", "changed.yaml")
    commands = commands_in(dry.stdout)

    def command(script: str, setting: str, cycle: int) -> str:
        return commands[script, f"{setting}.micro-instruct.bliss.0.{cycle}"]

    for setting in CELLS:
        assert "cycle0/adapters" in command("finetune", setting, 1).split("--previous ")[1]
        assert "--previous" not in command("finetune", setting, 2)
        assert "cycle1/generated_judged.jsonl" in command("finetune", setting, 2)
    assert "--before" not in command("sample", "dpo", 0) + command("sample", "sft-continual", 1)
    assert "cycle0/adapters" in command("sample", "dpo", 1).split("--before ")[1]

    run_study(folder, "loop", "--configfile", "changed.yaml")
    again = snakemake(folder, "-n", "loop", "--configfile", "changed.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr
    panel = "micro-instruct/bliss/seed0"
    for setting, cell in CELLS.items():
        loop = folder / "results/changed" / setting / panel
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
        # the last cycle trains no further one
        assert read_jsonl(loop / "cycle2/generated.jsonl") == []
    assert all(row["rejected"] for row in judged)

    growing = command("finetune", "sft-growing", 2)
    assert growing.index("cycle0/generated.jsonl") < growing.index("cycle1/generated.jsonl")
    cell = CELLS["sft-continual"]
    loop = folder / "results/changed/sft-growing" / panel
    usable = [
        sum(row["status"] == "ok" for row in read_jsonl(loop / f"cycle{j}/generated.jsonl"))
        for j in range(2)
    ]
    rows = [
        read_json(loop / f"cycle{j}/adapters" / cell / "training.json")["rows"] for j in range(3)
    ]
    assert rows == [12, 12 + usable[0], 12 + sum(usable)]

    for setting, number in {"sft-anchored": 2, "dpo-anchored": 4}.items():
        cell = CELLS["dpo" if setting == "dpo-anchored" else "sft-continual"]
        assert "cycle1/initial_rows.jsonl" in command("finetune", setting, 2)
        loop = folder / "results/changed" / setting / panel
        for cycle in (1, 2):
            rows = read_jsonl(loop / f"cycle{cycle - 1}/initial_rows.jsonl")
            own = read_jsonl(loop / f"cycle{cycle - 1}/generated.jsonl")
            assert [row["prompt"] for row in rows] == [row["prompt"] for row in own[:number]]
            training = read_json(loop / f"cycle{cycle}/adapters" / cell / "training.json")
            assert training["rows"] + training["dropped"] == 8
        assert not (loop / "cycle2/initial_rows.jsonl").exists()

    seeded = f"dpo/{panel}/cycle0/adapters/{CELLS['dpo']}/adapter_model.safetensors"
    plain = f"results/plain/{seeded}"
    run_study(folder, plain, "--configfile", "plain.yaml")
    assert digest(folder / plain) == digest(folder / "results/changed" / seeded)
