"""What jobs inherit from the Snakemake process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN = """
import socket, sys, time
from pathlib import Path
from idempotence.workflow.environment import prepare

prepare(Path("src"), remote=False)
asked = []

def look_up(host, *arguments, **named):
    asked.append(host)
    raise OSError("this test has no network")

socket.getaddrinfo = look_up
from idempotence.engine.base import Request
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights
from idempotence.finetune.one_by_one import train
from idempotence.finetune.runs import Run
from make_training import ROWS, TRAINING

sft = Run(ROWS, "chat", TRAINING, "float32", seed=1)
dpo = Run(ROWS, "chat", TRAINING, "float32", seed=1, beta=0.1)
engine = TransformersEngine(Weights("data/micro_world/instruct", None, "float32"))
engine.sample([Request([5, 6], 1.0, 2, 0)], None)
done = train(engine.model, engine.tokenizer, sft)[1]
again = train(engine.model, engine.tokenizer, dpo)[1]
limit = time.monotonic() + 1  # reports are sent by a thread
while not asked and time.monotonic() < limit:
    time.sleep(0.02)
print(done.status, again.status, sorted(set(asked)))
"""


@pytest.mark.parametrize(
    "user, hosts",
    [(None, []), pytest.param("0", ["huggingface.co"], marks=pytest.mark.slow)],
)
def test_training_asks_no_host_unless_the_user_lets_trainers_report(user, hosts):
    kept = {k: v for k, v in os.environ.items() if k not in ("DO_NOT_TRACK", "CI")}
    told = subprocess.run(
        [sys.executable, "-c", TRAIN], cwd=ROOT, check=True, capture_output=True, text=True,
        env={**kept, "PYTHONPATH": "src:tests/helpers", **({"DO_NOT_TRACK": user} if user else {})},
    )  # fmt: skip
    assert told.stdout == f"ok ok {hosts}\n"
