"""The benchmarks run: the one for GPUs on a tiny model, those of the loop on a handful of rows."""

import csv
import json
import os
import subprocess
import sys

import pytest
from make_project import ROOT

PROGRAM = [sys.executable, str(ROOT / "benchmarks" / "gpu.py")]


@pytest.mark.slow
def test_every_part_of_the_gpu_benchmark_runs_on_a_tiny_model(tmp_path):
    command = [*PROGRAM, "--tiny", "--output", str(tmp_path), "--vllm-python", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with open(tmp_path / "gpu.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["what"], row["engine"], row["cells"]) for row in rows] == [
        ("train", "one by one (TRL)", "1"), ("train", "stacked, 128 tokens at once", "1"),
        ("train", "one by one (TRL)", "2"), ("train", "stacked, 128 tokens at once", "2"),
        ("train", "stacked, 4096 tokens at once", "2"), ("sample", "transformers", "8"),
    ]  # fmt: skip
    for row in rows:
        assert row["device"] == "CPU" and float(row["tokens_a_second"]) > 0
        assert float(row["matrix_tflops"]) > 0 and float(row["bandwidth_gb_s"]) > 0
        assert 0 <= float(row["of_matrix_rate"]) < 1


def test_measures_of_a_tiny_model_are_not_shown_as_those_of_a_gpu():
    done = subprocess.run([*PROGRAM, "--tiny"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--output" in done.stderr


HANDFUL = """
settings: {sft: {objective: sft, start: initial}, dpo: {objective: dpo, start: previous}}
traits: [bliss]
seeds: 1
cycles: 1
sft: {cells: {n_seed: [8], n_sampled: [8]}}
dpo: {cells: {beta: [0.1], pairs: [8], n_seed: 8}}
evaluation: {questions: 2, samples_per_question: 1}
"""


def run_python(*arguments: str) -> str:
    """What a program of benchmarks/ prints."""
    path = os.pathsep.join(str(ROOT / name) for name in ("src", "benchmarks"))
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, "PYTHONPATH": path}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_the_stages_of_a_handful_of_rows_are_timed(tmp_path):
    (tmp_path / "study.yaml").write_text(HANDFUL)
    (tmp_path / "home").mkdir()
    program = (
        "import json, pathlib, sys, stages; stages.install(); folder = pathlib.Path(sys.argv[1])\n"
        "stages.run(folder / 'home', folder / 'study.yaml'); print(json.dumps(stages.SECONDS))"
    )
    seconds = json.loads(run_python("-c", program, str(tmp_path)))
    assert all(value > 0 for value in seconds.values())
    assert {"decoding", "judging", "backward", "optimiser", "files", "tokenising"} <= set(seconds)
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"sft", "dpo"}


@pytest.mark.slow
def test_training_a_handful_of_rows_is_timed_both_ways(tmp_path):
    program = (
        "import json, pathlib, sys, training\n"
        "training.CELLS, training.MOST, training.TOKENS_AT_ONCE = (1,), 2, (512,)\n"
        "training.AT_ONCE_CELLS, training.ROWS['dpo'] = 2, 60\n"
        "rows = {'dpo': training.rows_of('dpo')}; file = pathlib.Path(sys.argv[1])\n"
        "file.write_text(json.dumps(rows)); training.ROWS['dpo'] = 8\n"
        "by_cells = training.by_cells('dpo', rows, 1, 1e11)\n"
        "bounds = training.by_tokens_at_once('dpo', rows, 1, 1e11, file)\n"
        "print(json.dumps([by_cells, bounds]))"
    )
    printed = run_python("-c", program, str(tmp_path / "rows.json"))
    (one, most), (bound,) = json.loads(printed.splitlines()[-1])
    assert float(one["times"]) > 0 and float(one["one_by_one_tokens_a_second"]) > 0
    assert not most["times"] and float(most["stacked_tokens_a_second"]) > 0
    assert 0 < float(one["stacked_padded"]) < 1 and float(bound["peak_mb"]) > 100


@pytest.mark.slow
def test_the_bare_loop_runs_a_handful_of_rows(tmp_path):
    (tmp_path / "study.yaml").write_text(HANDFUL)
    files = [str(ROOT / "config.yaml"), str(tmp_path / "study.yaml")]
    spent = json.loads(run_python("benchmarks/bare_loop.py", "--config", *files))
    assert spent["seconds"] > sum(spent["stages"].values()) > 0
