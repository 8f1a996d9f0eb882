"""The benchmark for GPUs, on a tiny model on the CPU."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, str(ROOT / "benchmarks" / "gpu.py")]


@pytest.mark.slow
def test_every_part_of_the_gpu_benchmark_runs_on_a_tiny_model(tmp_path):
    command = [*PROGRAM, "--tiny", "--output", str(tmp_path), "--vllm-python", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with open(tmp_path / "gpu.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["what"], row["engine"]) for row in rows] == [
        ("train", "TRL"), ("sample", "transformers"),
    ]  # fmt: skip
    for row in rows:
        assert row["device"] == "CPU" and float(row["tokens_a_second"]) > 0
        assert float(row["matrix_tflops"]) > 0 and float(row["bandwidth_gb_s"]) > 0
        assert 0 <= float(row["of_matrix_rate"]) < 1


def test_what_a_tiny_model_measures_is_not_shown_as_a_gpus():
    done = subprocess.run([*PROGRAM, "--tiny"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--output" in done.stderr
