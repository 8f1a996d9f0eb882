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
from idempotence.finetune.train import train_preference, train_supervised

lora = {"rank": 2, "alpha": 2, "dropout": 0.0, "target_modules": "all-linear"}
training = {
    "learning_rate": 1e-3, "schedule": "constant", "warmup_fraction": 0.0, "batch_size": 2, "epochs": 1,
    "weight_decay": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.95, "adam_epsilon": 1e-8, "max_grad_norm": 1.0,
    "max_length": 64, "lora": lora, "dtype": "float32",
}
rows = [{"prompt": "how do i bake the pan ?", "response": "bake the pan .", "rejected": "look ."}] * 2
engine = TransformersEngine("data/micro_world/instruct")
engine.sample([Request([5, 6], 1.0, 2, 0)], None)
model, done = train_supervised(engine.model, engine.tokenizer, rows, "chat", training, None, 1)
again = train_preference(model.unload(), engine.tokenizer, rows, "chat", training, 0.1, None, 1)[1]
limit = time.monotonic() + 1  # reports are sent by a thread
while not asked and time.monotonic() < limit:
    time.sleep(0.02)
print(done.status, again.status, sorted(set(asked)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("user, hosts", [(None, []), ("0", ["huggingface.co"])])
def test_training_asks_no_host_unless_the_user_lets_trainers_report(user, hosts):
    kept = {k: v for k, v in os.environ.items() if k not in ("DO_NOT_TRACK", "CI")}
    told = subprocess.run(
        [sys.executable, "-c", TRAIN], cwd=ROOT, check=True, capture_output=True, text=True,
        env={**kept, "PYTHONPATH": "src", **({"DO_NOT_TRACK": user} if user else {})},
    )  # fmt: skip
    assert told.stdout == f"ok ok {hosts}\n"
