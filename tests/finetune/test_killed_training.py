"""A training whose process is killed outright goes on from its last saved step to the same end."""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from make_training import ROWS, TRAINING

from idempotence.doses import Cell
from idempotence.io import write_jsonl
from idempotence.jobs.loop import FinetuneJob
from idempotence.jobs.parts import ModelName, Panel

pytestmark = pytest.mark.slow

KILLS = 4
ROOT = Path(__file__).parents[2]
CELLS = tuple(Cell(f"seed{n}_sampled2", n_seed=n, n_sampled=2) for n in (150, 300))
PANEL = Panel(1, "sft", ModelName("m", None, "float32"), "bliss", 0, CELLS)
JOB = FinetuneJob(PANEL, 0, n_seed=None, training=replace(TRAINING, batch_size=1))
# The script itself, which saves its states after each step, not every two minutes.
OFTEN = """
import runpy, sys
from idempotence.finetune import checkpoints
checkpoints.LEAST_BETWEEN_SAVES = 0
checkpoints.Checkpoints.__init__.__kwdefaults__["seconds"] = 0.0
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def start(folder: str, rows: Path, output: Path, scratch: Path) -> subprocess.Popen:
    arguments = ["--job", JOB.to_json(), "--model", folder, "--output", output,
                 "--seed-data", rows, "--scratch", scratch]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", OFTEN, ROOT / "scripts/finetune.py", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )


def steps_done(scratch: Path) -> int | None:
    """Steps of all cells in the saved states; None while there are none."""
    files = list(scratch.rglob("cells.pt"))
    if not files:
        return None
    return sum(state["done"] for state in torch.load(files[0], weights_only=True).values())


def results(output: Path) -> list:
    """Weights and log of each cell."""
    kept = []
    for cell in CELLS:
        told = json.loads((output / cell.name / "training.json").read_text())
        weights = (output / cell.name / "adapter_model.safetensors").read_bytes()
        kept.append((weights, told["rows"], told["log"]))
    return kept


def test_a_training_killed_at_random_steps_goes_on_to_the_same_end(folder, tmp_path):
    rows, scratch, rng = tmp_path / "rows.jsonl", tmp_path / "scratch", random.Random(0)
    write_jsonl(rows, ROWS * 150)
    assert start(folder, rows, tmp_path / "whole", tmp_path / "other").wait(600) == 0
    done = [0]
    for _ in range(KILLS):
        training = start(folder, rows, tmp_path / "killed", scratch)
        while training.poll() is None and (steps_done(scratch) or 0) <= done[-1]:
            time.sleep(0.1)
        time.sleep(rng.uniform(0, 0.2))
        assert training.poll() is None, "the training had ended before it was killed"
        training.kill()
        training.wait()
        done.append(steps_done(scratch))
        print(f"kill {len(done) - 1} of {KILLS}: after {done[-1]} saved steps")
    assert not (tmp_path / "killed").exists()
    assert all(later > earlier for earlier, later in pairwise(done))
    assert start(folder, rows, tmp_path / "killed", scratch).wait(600) == 0
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    assert not list(scratch.iterdir())
